"""Looks at the cgroup of a running command: what it uses, and whether that is too much."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from telerun_executor.runners.sandbox.cgroups.base import CgroupUsage, JobCgroup
from telerun_protocol.messages import Limits, Usage
from telerun_protocol.states import Reason

INTERVAL_S = 0.05


class CgroupWatch:
    """The kernel keeps most limits; what it does not is CPU time, and that all of a job ends when memory ran out."""

    def __init__(self, cgroup: JobCgroup, limits: Limits, *, on_excess: Callable[[], None], spare: int) -> None:
        """`spare` of the processes are our own."""
        self._cgroup = cgroup
        self._limits = limits
        self._on_excess = on_excess
        self._spare = spare
        self._cpu_before_s = 0.0
        self.exceeded: Reason | None = None
        self.used = CgroupUsage()

    def begin(self) -> None:
        """From now on what is used is the command's."""
        self._cpu_before_s = self._cgroup.usage().cpu_time_s

    @property
    def cpu_time_s(self) -> float:
        return max(0.0, self.used.cpu_time_s - self._cpu_before_s)

    @property
    def peak_memory_bytes(self) -> int:
        return self.used.peak_memory_bytes

    def usage(self) -> Usage:
        used = self.used
        return Usage(
            cpu_time_s=self.cpu_time_s,
            memory_bytes=used.memory_bytes,
            peak_memory_bytes=used.peak_memory_bytes,
            processes=max(0, used.processes - self._spare),
            io_read_bytes=used.io_read_bytes,
            io_write_bytes=used.io_write_bytes,
        )

    async def run(self) -> None:
        while self.exceeded is None:
            await asyncio.sleep(INTERVAL_S)
            self.look()
            most = self._limits.cpu_time_s
            if self.exceeded is None and most and self.cpu_time_s > most:
                self.exceeded = Reason.CPU_TIME_LIMIT
        self._on_excess()

    def look(self) -> None:
        self.used = self._cgroup.usage()
        if self.used.oom_kills:
            self.exceeded = Reason.MEMORY_LIMIT
