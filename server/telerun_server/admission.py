"""What a job must be like to be queued here, and what is filled in where it says nothing."""

from __future__ import annotations

import secrets
from collections.abc import Collection

import msgspec

from telerun_protocol.errors import Forbidden, InvalidMessage
from telerun_protocol.limits import OPTIONS, filled
from telerun_protocol.messages import JobSpec, Principal, Submit
from telerun_server.config import Config, exceeded
from telerun_server.needs import Offer, needs_of, refuse_hopeless
from telerun_server.store.base import Submission

BASE_32 = b"abcdefghijklmnopqrstuvwxyz234567" * 8  # a letter for each of the 256 bytes


class Admission:
    """By the configuration of this server."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._limits = config.service_limits

    def submission(self, principal: Principal, message: Submit, known: Collection[Offer]) -> Submission:
        """The job to be queued. Raises InvalidMessage for more than the maxima, Forbidden for a network that its
        owner may not use, NoSuchExecutor for what none of the executors known could do.
        """
        limits = filled(message.spec.limits, self._limits.defaults)
        if over := exceeded(limits, self._limits.maxima):
            name, most = over
            raise InvalidMessage(
                f"This server grants at most {most} of {OPTIONS[name]}.",
                path=f"$.spec.limits.{name}",
                hint="Ask for less.",
            )
        spec = msgspec.structs.replace(message.spec, limits=limits, emulate=self._emulates(message.spec))
        if spec.network and principal.user_class not in self._config.network_classes:
            raise Forbidden(
                "Your jobs may not use the network.",
                hint="Leave --network out and send what the program needs with --in, or ask for another class of user.",
            )
        needs = needs_of(spec)
        refuse_hopeless(needs, known)
        return Submission(
            id=new_job_id(),
            owner=principal.name,
            idempotency_key=message.idempotency_key,
            spec=spec,
            needs=needs,
            blobs={file.sha256: file.size_bytes for file in spec.all_files},
            queued_at_most=self._config.queued_jobs_per_user,
        )

    def _emulates(self, spec: JobSpec) -> bool | None:
        """Whether GPUs may be emulated: as the job says, else by our policy."""
        if spec.emulate is None and spec.gpus_wanted:
            return self._config.emulation == "allow"
        return spec.emulate


def new_job_id() -> str:
    return "j" + secrets.token_bytes(11).translate(BASE_32).decode()
