"""Looks after NVIDIA GPUs: probes them at the start, samples them, judges them after each job, tries bad ones again.

A GPU is taken out of service when the driver reports an error of its hardware, when a dead process still holds it, when
memory does not come back, or when a small program no longer runs on it. The others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

from telerun_executor.devices.base import Care, Devices, Lease
from telerun_executor.devices.nvml import Look, Nvml, Snapshot
from telerun_executor.devices.probe import probe
from telerun_executor.devices.use import Use
from telerun_protocol.matching import NVIDIA
from telerun_protocol.messages import Device, DeviceReading
from telerun_protocol.units import show_size

log = logging.getLogger(__name__)
LEASED_S, IDLE_S = 0.5, 5.0  # between two looks
SETTLE_S, SETTLE_EVERY_S = 3.0, 0.2  # for the driver, to clean up after a job
RETRY_S = 60.0
MEMORY_SLACK_BYTES = 256 << 20  # what the driver itself may hold more than before
PROBES_AT_ONCE = 4
OF_PROGRAMS: Mapping[int, str] = {
    8: "a program stopped answering",
    13: "a kernel did something illegal",
    31: "a kernel accessed memory that is not there",
    43: "a kernel went wrong",
    45: "a program was ended while it computed",
    68: "a video program went wrong",
    94: "a program met a memory error that was contained",
    109: "a program could not be switched away from in time",
}
"""Xid errors that programs bring about. Every other one is taken for the hardware's or the driver's."""


class GpuWatch(Care):
    """Looks after the NVIDIA GPUs of a pool. Between `start` and leaving `running` it knows how they are."""

    def __init__(
        self,
        pool: Devices,
        *,
        retry_s: float = RETRY_S,
        probe: Callable[[Device], Awaitable[str]] = probe,
    ) -> None:
        self._pool = pool
        self._gpus = {device.id: device for device in pool.all if device.kind == NVIDIA}
        self._nvml = Nvml(tuple(self._gpus.values()))
        self._retry_s = retry_s
        self._probe = probe
        self._latest: dict[str, Snapshot] = {}
        self._before: dict[str, Snapshot] = {}  # the last job, or the start
        self._uses: dict[str, Use] = {}
        self._xids: dict[str, list[int]] = {}  # since the last judgement
        self._begun = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Has probed every GPU when it is entered."""
        if not self._gpus:
            yield
            return
        self._pool.care = self
        await self._start()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._keep_looking()), group.create_task(self._retry())]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                self._nvml.close()

    async def _start(self) -> None:
        try:
            await self._nvml.open()
        except TimeoutError:
            log.error("the NVIDIA driver does not answer")
        await self._look()
        self._before.update(self._latest)
        turn = asyncio.Semaphore(PROBES_AT_ONCE)

        async def examine(device: Device) -> None:
            async with turn:
                if why := self._fault(device) or await self._probe(device):
                    self._quarantine(device, why)

        async with asyncio.TaskGroup() as group:
            for device in self._gpus.values():
                group.create_task(examine(device))

    # ----------------------------------------------------------------------------------------------- around leases

    async def begin(self, lease: Lease) -> None:
        gpus = [device.id for device in lease.devices if device.id in self._gpus]
        if not gpus:
            return
        await self._look()
        for device_id in gpus:
            self._xids.pop(device_id, None)
            self._before[device_id] = self._latest[device_id]
            self._uses[device_id] = Use(device_id)
        self._begun.set()

    async def end(self, lease: Lease) -> None:
        gpus = [device for device in lease.devices if device.id in self._gpus]
        uses = [self._uses.pop(device.id) for device in gpus if device.id in self._uses]
        lease.use = tuple(use.summary() for use in uses)
        async with asyncio.TaskGroup() as group:
            judged = [group.create_task(self._judge(device)) for device in gpus]
        lease.notes += tuple(note for task in judged for note in task.result())

    async def _judge(self, device: Device) -> tuple[str, ...]:
        """Takes a bad one out of service; returns what its last user should know."""
        why = await self._settled(device)
        xids = self._xids.pop(device.id, [])
        if hard := [code for code in xids if code not in OF_PROGRAMS]:
            why = f"It reported Xid {hard[0]}."
        elif xids and not why:
            why = await self._probe(device)
        notes = [f"{device.name} reported Xid {code}: {OF_PROGRAMS[code]}." for code in xids if code in OF_PROGRAMS]
        if why:
            self._quarantine(device, why)
            notes.append(f"{device.name} ({device.id}) was taken out of service after this job. {why}")
        return tuple(notes)

    async def _settled(self, device: Device) -> str:
        """What is still wrong with it after a moment."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SETTLE_S
        while True:
            await self._look()
            why = self._fault(device)
            if not why or loop.time() >= deadline:
                return why
            await asyncio.sleep(SETTLE_EVERY_S)

    def _fault(self, device: Device) -> str:
        """What can be seen to be wrong with a GPU that no job uses."""
        now = self._latest[device.id]
        before = self._before.get(device.id, now)
        if now.error:
            return now.error
        if before.error:  # nothing to compare with
            before = now
        if dead := sorted(pid for pid in now.processes - before.processes if not _lives(pid)):
            return f"Process {dead[0]} still holds it and does not end."
        kept = now.memory_used_bytes - before.memory_used_bytes
        if kept > MEMORY_SLACK_BYTES and not any(map(_lives, now.processes)):
            return f"{show_size(kept)} of its memory were not given back."
        return ""

    def _quarantine(self, device: Device, why: str) -> None:
        log.error("a GPU is out of service", extra={"gpu": device.id, "why": why})
        self._pool.quarantine(device.id, why)

    # --------------------------------------------------------------------------------------------------- all the time

    async def _keep_looking(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LEASED_S if self._uses else IDLE_S):
                    await self._begun.wait()
            except TimeoutError:
                await self._look()
                self._notice_errors_of_idle_ones()
            self._begun.clear()

    def _notice_errors_of_idle_ones(self) -> None:
        for device in self._gpus.values():
            if self._pool.is_leased(device):
                continue  # it is judged when the job ends
            if hard := [code for code in self._xids.pop(device.id, []) if code not in OF_PROGRAMS]:
                self._quarantine(device, f"It reported Xid {hard[0]}.")
            elif why := self._latest[device.id].error:
                self._pool.quarantine(device.id, why)

    async def _look(self) -> None:
        try:
            look = await self._nvml.look()
        except TimeoutError:
            silent = Snapshot(error="The NVIDIA driver does not answer.")
            look = Look(snapshots=dict.fromkeys(self._gpus, silent), xids=())
        self._latest.update(look.snapshots)
        for device_id, code in look.xids:
            for device in self._gpus.values():
                if device_id in (device.id, device.parent):
                    self._xids.setdefault(device.id, []).append(code)
        for device_id, use in self._uses.items():
            use.add(self._latest[device_id])

    async def _retry(self) -> None:
        """Puts back what is well again."""
        while True:
            await asyncio.sleep(self._retry_s)
            for device in self._pool.quarantined:
                if device.id not in self._gpus or self._pool.is_leased(device):
                    continue
                await self._look()
                if why := self._fault(device) or await self._probe(device):
                    self._pool.quarantine(device.id, why)
                else:
                    log.info("a GPU is back in service", extra={"gpu": device.id})
                    self._pool.back_in_service(device.id)

    def reading(self, device: Device) -> DeviceReading | None:
        now = self._latest.get(device.id)
        if now is None or now.error:
            return None
        seen = self._before[device.id] if self._pool.is_leased(device) and device.id in self._before else now
        return DeviceReading(
            id=device.id,
            at=now.at,
            foreign=sum(map(_lives, seen.processes)),
            utilization=now.utilization,
            memory_used_bytes=now.memory_used_bytes,
            power_w=now.power_w,
            temperature_c=now.temperature_c,
            sm_clock_hz=now.sm_clock_hz,
            throttled=now.throttled,
        )


def _lives(pid: int) -> bool:
    """Whether a process does something of its own: one that is dead, or in the driver's hands for ever, does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in ("D", "Z", "X")
