"""What a job asks of an executor, and whether one offers it. Pure functions over what executors told of themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import Struct

from telerun_protocol.messages import Device, ExecutorInfo, JobSpec
from telerun_protocol.states import Language


class Needs(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The part of a spec that decides where a job can run. Equal needs are stored once."""

    language: Language
    labels: tuple[str, ...] = ()
    device: str | None = None
    gpus: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an executor has to give. Its name and its devices' kinds and architectures are labels too."""

    name: str
    info: ExecutorInfo
    languages: frozenset[Language]
    labels: frozenset[str]

    @classmethod
    def of(cls, name: str, info: ExecutorInfo) -> Offer:
        of_devices = (label for device in info.devices for label in (device.kind, device.arch) if label)
        languages = frozenset(toolchain.language for toolchain in info.toolchains)
        return cls(name=name, info=info, languages=languages, labels=frozenset((*info.labels, name, *of_devices)))


def needs_of(spec: JobSpec) -> Needs:
    """A job that only compiles needs no device."""
    return Needs(
        language=spec.language,
        labels=tuple(sorted(set(spec.labels))),
        device=(spec.device or None) if spec.run else None,
        gpus=spec.gpus_wanted if spec.run else 0,
    )


def _is_called(device: Device, wanted: str) -> bool:
    wanted = wanted.casefold()
    return wanted in device.name.casefold() or wanted == device.kind.casefold()


def has_devices(needs: Needs, offer: Offer) -> bool:
    devices = [device for device in offer.info.devices if needs.device is None or _is_called(device, needs.device)]
    if needs.gpus:
        return sum(device.kind != "cpu" for device in devices) >= needs.gpus
    return bool(devices) or needs.device is None


def fits(needs: Needs, offer: Offer) -> bool:
    return needs.language in offer.languages and offer.labels.issuperset(needs.labels) and has_devices(needs, offer)


def may_claim(needs: Needs, offer: Offer, live: Iterable[Offer]) -> bool:
    """Whether this executor takes such a job, `live` being all executors that answer.

    A job whose GPUs nobody has goes to any executor with its language: there it compiles, shows its assembly, and
    ends as no_such_device, which is more use than waiting for ever.
    """
    if fits(needs, offer):
        return True
    if not needs.gpus or needs.language not in offer.languages or not offer.labels.issuperset(needs.labels):
        return False
    return not any(fits(needs, other) for other in live)


def waiting_for(needs: Needs, live: Iterable[Offer]) -> str | None:
    """Why no executor that answers could take such a job; None when one could."""
    live = list(live)
    if any(may_claim(needs, offer, live) for offer in live):
        return None
    if not live:
        return "an executor: none is connected to the server"
    speaking = [offer for offer in live if needs.language in offer.languages]
    if not speaking:
        return f"an executor that runs {needs.language}: none of the {len(live)} connected does"
    labelled = [offer for offer in speaking if offer.labels.issuperset(needs.labels)]
    if not labelled:
        return f"an executor with the labels {', '.join(needs.labels)}"
    return f"an executor with a device called {needs.device!r}"
