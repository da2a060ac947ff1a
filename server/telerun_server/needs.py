"""What a job asks of an executor, and whether one offers it. Pure functions over what executors told of themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from telerun_protocol.errors import NoSuchExecutor
from telerun_protocol.matching import EMULATED_LANGUAGES, device_labels, holds, is_gpu, matching, wants_emulation
from telerun_protocol.messages import EMULATED, Device, ExecutorInfo, JobSpec
from telerun_protocol.states import Language


class Needs(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The part of a spec that decides where a job can run. Equal needs are stored once."""

    language: Language
    labels: tuple[str, ...] = ()
    device: str | None = None
    gpus: int = 0
    emulate: bool = False  # emulated GPUs will do
    wait: bool = False  # for an executor that nobody knows yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an executor has to give. Its name is one of its labels."""

    name: str
    info: ExecutorInfo
    languages: frozenset[Language]
    labels: frozenset[str]

    @classmethod
    def of(cls, name: str, info: ExecutorInfo) -> Offer:
        languages = frozenset(toolchain.language for toolchain in info.toolchains)
        labels = frozenset(map(str.casefold, (*info.labels, name)))
        return cls(name=name, info=info, languages=languages, labels=labels)

    def without(self, device_ids: Set[str]) -> Offer:
        """As long as it does not lend these devices."""
        if not device_ids:
            return self
        devices = tuple(device for device in self.info.devices if device.id not in device_ids)
        return Offer.of(self.name, msgspec.structs.replace(self.info, devices=devices))

    @property
    def all_labels(self) -> tuple[str, ...]:
        """Everything that a job may ask for here, in order."""
        return tuple(sorted(self.labels.union(*map(device_labels, self.info.devices))))


def needs_of(spec: JobSpec) -> Needs:
    """A job that only compiles needs no device."""
    return Needs(
        language=spec.language,
        labels=tuple(sorted(set(spec.labels))),
        device=(spec.device or None) if spec.run else None,
        gpus=spec.gpus_wanted if spec.run else 0,
        emulate=spec.run and spec.gpus_wanted > 0 and bool(spec.emulate),
        wait=spec.wait_for_executor,
    )


def _candidates(needs: Needs, offer: Offer) -> tuple[Device, ...]:
    """The devices that are called as asked and meet the labels that the executor itself does not."""
    return matching(offer.info.devices, needs.device, _labels_of_devices(needs, offer))


def _labels_of_devices(needs: Needs, offer: Offer) -> tuple[str, ...]:
    return tuple(label for label in needs.labels if not holds(label, offer.labels))


def fits_truly(needs: Needs, offer: Offer) -> bool:
    """Whether it does the job without emulating what was asked for."""
    if needs.language not in offer.languages:
        return False
    if needs.gpus:
        return sum(map(is_gpu, _candidates(needs, offer))) >= needs.gpus
    if needs.device is None and not _labels_of_devices(needs, offer):
        return True
    return bool(_candidates(needs, offer))


def fits_emulated(needs: Needs, offer: Offer) -> bool:
    """Whether it emulates the GPUs, where the job allows that or asks for nothing else."""
    if not needs.gpus or needs.language not in offer.languages & EMULATED_LANGUAGES:
        return False
    if not needs.emulate and not wants_emulation(needs.device, needs.labels):
        return False
    return sum(device.kind == EMULATED for device in _candidates(needs, offer)) >= needs.gpus


def fits(needs: Needs, offer: Offer) -> bool:
    return fits_truly(needs, offer) or fits_emulated(needs, offer)


def may_claim(needs: Needs, offer: Offer, live: Iterable[Offer], known: Iterable[Offer]) -> bool:
    """Whether this executor takes such a job now; `live` are all that answer, `known` those too that are away.

    Emulation is for what no live GPU can do. A job whose GPUs nobody known has goes to any executor with its
    language, unless it is to wait: there it compiles, shows its assembly, and ends as no_such_device.
    """
    if fits_truly(needs, offer):
        return True
    if fits_emulated(needs, offer):
        return not any(fits_truly(needs, other) for other in live)
    if not needs.gpus or needs.wait or needs.language not in offer.languages:
        return False
    free = all(holds(label, offer.labels) for label in needs.labels)
    return free and not any(fits(needs, other) for other in known)


def waiting_for(needs: Needs, live: Collection[Offer], known: Collection[Offer]) -> str | None:
    """Why no executor that answers could take such a job; None when one could."""
    if any(may_claim(needs, offer, live, known) for offer in live):
        return None
    if not live:
        return "an executor: none is connected to the server"
    able = [offer for offer in known if fits(needs, offer)]
    if not able:
        return f"{_asked(needs, known)}: none of the {len(known)} known is one"
    present = {offer.info.instance for offer in live}
    names = ", ".join(dict.fromkeys(offer.name for offer in able))
    why = "has a device in quarantine" if present.intersection(one.info.instance for one in able) else "is away"
    return f"{_asked(needs, known)}: {names} {why}"


def refuse_hopeless(needs: Needs, known: Collection[Offer]) -> None:
    """Raises NoSuchExecutor for what no executor known could ever do. Before the first is known, any job may wait."""
    if needs.wait or not known or any(fits(needs, offer) for offer in known):
        return
    ways = []
    if any(fits_emulated(msgspec.structs.replace(needs, emulate=True), offer) for offer in known):
        ways.append("--emulate runs it on the CPU, emulated")
    if needs.gpus and any(needs.language in offer.languages for offer in known):
        ways.append("--compile-only compiles it")
    ways.append("--wait-for-executor queues it until there is one")
    raise NoSuchExecutor(
        f"The job needs {_asked(needs, known)}, and this server knows none.",
        hint=f"{'; '.join(ways)}.",
        items=tuple(dict.fromkeys(map(_summary, known))),
    )


def _asked(needs: Needs, known: Iterable[Offer]) -> str:
    """The executor that a job needs, as far as it is not every one."""
    speaking = [offer for offer in known if needs.language in offer.languages]
    if not speaking:
        return f"an executor that runs {needs.language}"
    wishes = []
    if needs.gpus > 1 or (needs.gpus and needs.device is None):
        wishes.append(f"{needs.gpus} GPU{'s' if needs.gpus > 1 else ''}")
    if needs.device is not None:
        wishes.append(f"a device called {needs.device!r}")
    if needs.labels:
        wishes.append(f"the labels {', '.join(needs.labels)}")
    return f"an executor with {' and '.join(wishes)}" if wishes else "an executor"


def _summary(offer: Offer) -> str:
    """What one executor has, in a line."""
    devices = Counter(f"{device.name} ({device.arch})" if device.arch else device.name for device in offer.info.devices)
    shown = ", ".join(f"{count} × {name}" if count > 1 else name for name, count in devices.items())
    facts = [" ".join(sorted(offer.languages)) or "no language", shown or "no device"]
    if offer.info.labels:
        facts.append(f"labels {' '.join(offer.info.labels)}")
    return f"{offer.name}: {'; '.join(facts)}"
