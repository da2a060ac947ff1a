"""What GPUs do at a moment, read from the driver's management library (NVML) on one thread for all of them.

A call into an ill driver may never return: nobody waits for the thread, and whoever asks it waits for a while only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pynvml

from telerun_executor.devices.nvidia import MEGAHERTZ, text
from telerun_protocol.messages import Device

log = logging.getLogger(__name__)
T = TypeVar("T")
ANSWER_S = 10.0
EVENTS = 0x8 | 0x2  # critical Xid errors; memory errors of two bits
THROTTLES = {
    0x4: "power limit",
    0x8: "hardware slowdown",
    0x20: "heat",
    0x40: "heat (hardware)",
    0x80: "power brake",
}
"""Reasons for a lower clock that are worth knowing. The others, such as having nothing to do, are ordinary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One GPU, or a part of one, at a moment; None: it does not tell. `error` is set where it tells nothing at all."""

    at: float = field(default_factory=time.time)
    error: str = ""
    memory_used_bytes: int = 0
    processes: frozenset[int] = frozenset()  # those that compute on it
    utilization: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None
    sm_clock_hz: float | None = None
    throttled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All GPUs at a moment, and the Xid errors since the last look, each with the id of the whole GPU."""

    snapshots: Mapping[str, Snapshot]
    xids: tuple[tuple[str, int], ...]


class Nvml:
    """An open session with the driver. `look` may be called from several tasks; it is served in turn."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self._devices = tuple(devices)
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="nvml", daemon=True)
        self._events: Any = None

    async def open(self) -> None:
        """Raises TimeoutError for a driver that does not answer."""
        self._thread.start()
        await self._ask(self._open)

    async def look(self) -> Look:
        """Raises TimeoutError for a driver that does not answer."""
        return await self._ask(self._look)

    def close(self) -> None:
        self._work.put(None)

    async def _ask(self, do: Callable[[], T]) -> T:
        answer: Future[T] = Future()

        def work() -> None:
            if not answer.set_running_or_notify_cancel():  # nobody waits any more
                return
            try:
                answer.set_result(do())
            except Exception as error:  # noqa: BLE001 - handed on to whoever asked
                answer.set_exception(error)

        self._work.put(work)
        async with asyncio.timeout(ANSWER_S):
            return await asyncio.wrap_future(answer)

    def _serve(self) -> None:
        while work := self._work.get():
            work()
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()

    # ---------------------------------------------------------------------------------------------- on the thread

    def _open(self) -> None:
        with _logged("the NVIDIA driver does not answer"):
            pynvml.nvmlInit()
            self._events = pynvml.nvmlEventSetCreate()
        for device_id in {device.parent or device.id for device in self._devices}:
            with _logged("a GPU does not tell its errors", gpu=device_id):
                pynvml.nvmlDeviceRegisterEvents(pynvml.nvmlDeviceGetHandleByUUID(device_id), EVENTS, self._events)

    def _look(self) -> Look:
        snapshots = {device.id: _snapshot(device) for device in self._devices}
        return Look(snapshots=snapshots, xids=tuple(self._new_xids()))

    def _new_xids(self) -> Iterator[tuple[str, int]]:
        while self._events is not None:
            try:
                event = pynvml.nvmlEventSetWait_v2(self._events, 0)
                device_id = text(pynvml.nvmlDeviceGetUUID(event.device))
            except pynvml.NVMLError:  # there is none, or it is of a GPU that has gone: that is seen elsewhere
                return
            # What is no Xid is an error of the memory, which NVIDIA counts as Xid 48.
            yield device_id, int(event.eventData) if event.eventType == pynvml.nvmlEventTypeXidCriticalError else 48


def _snapshot(device: Device) -> Snapshot:
    try:
        handle = pynvml.nvmlDeviceGetHandleByUUID(device.id)
        whole = pynvml.nvmlDeviceGetHandleByUUID(device.parent) if device.parent else handle
        used = int(pynvml.nvmlDeviceGetMemoryInfo(handle).used)
        pids = frozenset(int(process.pid) for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle))
    except pynvml.NVMLError as error:
        return Snapshot(error=f"It does not answer the driver ({error}).")
    busy = _told(lambda: pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    power = _told(lambda: pynvml.nvmlDeviceGetPowerUsage(whole))
    clock = _told(lambda: pynvml.nvmlDeviceGetClockInfo(whole, pynvml.NVML_CLOCK_SM))
    reasons = int(_told(lambda: pynvml.nvmlDeviceGetCurrentClocksEventReasons(whole)) or 0)
    return Snapshot(
        memory_used_bytes=used,
        processes=pids,
        utilization=busy / 100 if busy is not None else None,
        power_w=power / 1000 if power is not None else None,
        temperature_c=_told(lambda: pynvml.nvmlDeviceGetTemperature(whole, pynvml.NVML_TEMPERATURE_GPU)),
        sm_clock_hz=clock * MEGAHERTZ if clock is not None else None,
        throttled=tuple(word for bit, word in THROTTLES.items() if reasons & bit),
    )


def _told(ask: Callable[[], float]) -> float | None:
    """What a GPU tells of what not every GPU has."""
    try:
        return float(ask())
    except pynvml.NVMLError:
        return None


@contextlib.contextmanager
def _logged(message: str, **facts: str) -> Iterator[None]:
    try:
        yield
    except pynvml.NVMLError as error:
        log.warning(message, extra={**facts, "error": str(error)})
