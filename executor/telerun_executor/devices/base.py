"""The devices of this executor: which of them a job could be given, who has them now, and which are out of service."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field

import msgspec

from telerun_protocol.errors import SandboxError
from telerun_protocol.matching import EMULATED_LANGUAGES, holds, is_gpu, matching, wants_emulation
from telerun_protocol.messages import EMULATED, Device, DeviceReading, DeviceUse, JobSpec


@dataclass(slots=True, kw_only=True)
class Lease:
    """Devices that are one job's. `use` and `notes` are there when it has ended."""

    devices: tuple[Device, ...] = ()
    use: tuple[DeviceUse, ...] = ()
    notes: tuple[str, ...] = ()


class Care(ABC):
    """Who looks after devices: called around each lease."""

    @abstractmethod
    async def begin(self, lease: Lease) -> None:
        """Notes the state of the devices before the job."""

    @abstractmethod
    async def end(self, lease: Lease) -> None:
        """Looks at them after it, and takes bad ones out of service. Fills in `use` and `notes`."""

    @abstractmethod
    def reading(self, device: Device) -> DeviceReading | None:
        """What a device did when it was last looked at."""


@dataclass(slots=True, eq=False)
class _Waiter:
    count: int
    among: frozenset[str]
    lent: asyncio.Future[tuple[Device, ...]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Devices:
    """A pool of devices, each lent to one job at a time. `labels` are those that the executor itself has."""

    def __init__(self, devices: Sequence[Device], labels: Iterable[str] = ()) -> None:
        self.all = tuple(devices)
        self.care: Care | None = None
        self.on_change: Callable[[], object] = lambda: None  # told when a device goes out of service or comes back
        self.labels = frozenset(map(str.casefold, labels))
        self._leased: set[str] = set()
        self._quarantined: dict[str, str] = {}
        self._waiters: list[_Waiter] = []

    # --------------------------------------------------------------------------------------------------- choosing

    def candidates(self, spec: JobSpec) -> tuple[Device, ...]:
        """Those that a job could be given: real GPUs where as many as it wants are in service, else emulated ones if
        it may have them, else GPUs that may come back; none where there are too few.
        """
        wanted = [label for label in spec.labels if not holds(label, self.labels)]
        found = matching(self.all, spec.device, wanted)
        gpus = tuple(filter(is_gpu, found))
        if sum(device.id not in self._quarantined for device in gpus) >= spec.gpus_wanted:
            return gpus
        emulated = tuple(device for device in found if device.kind == EMULATED)
        may = spec.emulate or wants_emulation(spec.device, spec.labels)
        if may and spec.language in EMULATED_LANGUAGES and len(emulated) >= spec.gpus_wanted:
            return emulated
        return gpus if len(gpus) >= spec.gpus_wanted else ()

    def free(self, among: Iterable[Device]) -> int:
        """How many of these can be had at once."""
        taken = self._leased | self._quarantined.keys()
        return sum(device.id not in taken for device in among) if not self._waiters else 0

    # ---------------------------------------------------------------------------------------------------- lending

    @contextlib.asynccontextmanager
    async def lease(self, count: int, among: Sequence[Device]) -> AsyncIterator[Lease]:
        """`count` of these devices, once they are free; nobody who came later gets them before.

        Raises SandboxError when so many are out of service that they cannot be had. When this leaves, what was lent
        has been looked at; what could not be is out of service until it was.
        """
        lease = Lease(devices=await self._take(count, among) if count else ())
        ids = {device.id for device in lease.devices}
        try:
            if self.care and ids:
                await self.care.begin(lease)
            yield lease
        finally:
            try:
                if self.care and ids:
                    await self.care.end(lease)
            except BaseException:
                for device_id in ids:
                    self.quarantine(device_id, "It was not looked at after its last job.")
                raise
            finally:
                self._leased -= ids
                self._serve()

    async def _take(self, count: int, among: Sequence[Device]) -> tuple[Device, ...]:
        assert count <= len(among), "more devices than there are would be waited for in vain"
        waiter = _Waiter(count, frozenset(device.id for device in among))
        self._waiters.append(waiter)
        self._serve()
        try:
            return await waiter.lent
        except asyncio.CancelledError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif not waiter.lent.cancelled() and not waiter.lent.exception():
                self._leased -= {device.id for device in waiter.lent.result()}
            self._serve()
            raise

    def _serve(self) -> None:
        """Gives whoever waits what is free. What the first of them could use, the later ones do not get."""
        taken: Set[str] = self._leased | self._quarantined.keys()
        for waiter in tuple(self._waiters):
            if waiter.lent.done():  # cancelled, and not yet told
                continue
            if len(waiter.among - self._quarantined.keys()) < waiter.count:
                self._waiters.remove(waiter)
                waiter.lent.set_exception(SandboxError(self._why_none(waiter.among)))
                continue
            mine = [device for device in self._in_order() if device.id in waiter.among and device.id not in taken]
            if len(mine) >= waiter.count:
                lent = tuple(mine[: waiter.count])
                self._waiters.remove(waiter)
                self._leased |= {device.id for device in lent}
                taken = taken | self._leased
                waiter.lent.set_result(lent)
            else:
                taken = taken | {device.id for device in mine}

    def _in_order(self) -> list[Device]:
        """Those that nobody else uses come first."""
        readings = {device.id: self.care.reading(device) for device in self.all} if self.care else {}
        return sorted(self.all, key=lambda device: bool((told := readings.get(device.id)) and told.foreign))

    # ------------------------------------------------------------------------------------------- out of service

    @property
    def quarantined(self) -> tuple[Device, ...]:
        return tuple(device for device in self.all if device.id in self._quarantined)

    def is_leased(self, device: Device) -> bool:
        return device.id in self._leased

    def quarantine(self, device_id: str, why: str) -> None:
        """From now on no job gets it."""
        if self._quarantined.get(device_id) != why:
            self._quarantined[device_id] = why
            self._serve()
            self.on_change()

    def back_in_service(self, device_id: str) -> None:
        if self._quarantined.pop(device_id, None) is not None:
            self._serve()
            self.on_change()

    def _why_none(self, ids: Set[str]) -> str:
        device, why = next((one, self._quarantined[one.id]) for one in self.quarantined if one.id in ids)
        return f"Its device {device.name} ({device.id}) is out of service: {why}"

    def readings(self) -> tuple[DeviceReading, ...]:
        """What each device does now, for the server."""
        return tuple(map(self._reading, self.all))

    def _reading(self, device: Device) -> DeviceReading:
        told = self.care.reading(device) if self.care else None
        return msgspec.structs.replace(
            told or DeviceReading(id=device.id, at=time.time()),
            leased=device.id in self._leased,
            quarantined=self._quarantined.get(device.id, ""),
        )
