"""Who holds which job just now: whose appends to its log are taken, and what it uses."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from telerun_protocol.errors import StaleClaim
from telerun_protocol.messages import Report, Usage
from telerun_server.store.base import HeldJob

LOG_SLACK_BYTES = 16 << 20  # compiler output and frame headers, beside the program's own output


@dataclass(frozen=True, slots=True)
class Holder:
    """The claim whose appends to a job's log are taken."""

    claim_id: str
    executor: str
    owner: str
    log_limit: int


@dataclass(frozen=True, slots=True)
class LiveUsage:
    """What a running job uses, as its executor told last; in no database, for it is old in a moment."""

    number: int  # grows with every report
    owner: str
    usage: Usage


class Holders:
    """By job id."""

    def __init__(self) -> None:
        self._holders: dict[str, Holder] = {}
        self._usage: dict[str, LiveUsage] = {}
        self._numbers = itertools.count(1)

    def add(self, held: HeldJob, log_size: int) -> None:
        """From here on appends of this claim are taken, and those of an earlier one not."""
        present = self._holders.get(held.job_id)
        if present is None or present.claim_id != held.claim_id:
            limit = log_size + 2 * (held.spec.limits.output_bytes or 0) + LOG_SLACK_BYTES
            self._holders[held.job_id] = Holder(held.claim_id, held.executor, held.owner, limit)

    def check(self, executor: str, job_id: str, claim_id: str) -> Holder:
        """Raises StaleClaim unless this executor holds the job under this claim."""
        holder = self._holders.get(job_id)
        if holder is None or holder.claim_id != claim_id or holder.executor != executor:
            raise StaleClaim(hint="Stop working on it: it was given to another attempt, or has ended.")
        return holder

    def remove(self, job_id: str, claim_id: str) -> None:
        """The claim has ended; a later one of the same job stays."""
        holder = self._holders.get(job_id)
        if holder and holder.claim_id == claim_id:
            del self._holders[job_id]
            self._usage.pop(job_id, None)

    # ------------------------------------------------------------------------------------------------------ usage

    def note_usage(self, executor: str, report: Report) -> Holder:
        """Takes a report of usage. Raises StaleClaim."""
        assert report.usage
        holder = self.check(executor, report.job_id, report.claim_id)
        self._usage[report.job_id] = LiveUsage(next(self._numbers), holder.owner, report.usage)
        return holder

    def usage(self, job_id: str) -> Usage | None:
        """The latest, None before the first."""
        found = self._usage.get(job_id)
        return found.usage if found else None

    def used_since(self, owner: str, seen: int) -> dict[str, int]:
        """The owner's jobs that told what they use after the report `seen`, each with the number of its latest."""
        return {job_id: one.number for job_id, one in self._usage.items() if one.owner == owner and one.number > seen}
