"""What the processes below one process use, looked at now and then, and ended when it is more than allowed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from telerun_protocol.messages import Limits, Usage
from telerun_protocol.states import Reason

INTERVAL_S = 0.1
DISK_EVERY = 5  # looks
MOST_OF_A_CPU = 0.05  # a machine with very many processes is looked at less often
MOST_ENTRIES = 200_000


class Watch:
    """Watches the descendants of `root` and the folder `work`; calls `on_excess` once when a limit is exceeded.

    `spare` of the processes are our own.
    """

    def __init__(
        self, root: psutil.Process, limits: Limits, work: Path, *, on_excess: Callable[[], None], spare: int = 0
    ) -> None:
        self._root = root
        self._limits = limits
        self._work = work
        self._on_excess = on_excess
        self._spare = spare
        self.exceeded: Reason | None = None
        self.peak_memory_bytes = 0
        self.cpu_time_s = 0.0
        self._now = Usage()

    def begin(self) -> None:
        """What is used before hardly counts: what is watched has only just been started."""

    def usage(self) -> Usage:
        return self._now

    async def run(self) -> None:
        """Looks until it is cancelled or a limit is exceeded."""
        looks, pause_s = 0, INTERVAL_S
        while self.exceeded is None:
            await asyncio.sleep(pause_s)
            began = time.monotonic()
            self.exceeded = self._look()
            pause_s = max(INTERVAL_S, (time.monotonic() - began) / MOST_OF_A_CPU)
            looks += 1
            if self.exceeded is None and looks % DISK_EVERY == 0 and self._limits.disk_bytes:
                used = await asyncio.to_thread(disk_usage, self._work)
                if used > self._limits.disk_bytes:
                    self.exceeded = Reason.DISK_LIMIT
        self._on_excess()

    def _look(self) -> Reason | None:
        memory, cpu, processes = 0, 0.0, 0
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in self._root.children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied), process.oneshot():
                    memory += process.memory_info().rss
                    cpu += sum(process.cpu_times()[:4])
                    processes += 1
        self.peak_memory_bytes = max(self.peak_memory_bytes, memory)
        self.cpu_time_s = max(self.cpu_time_s, cpu)
        self._now = Usage(
            cpu_time_s=self.cpu_time_s,
            memory_bytes=memory,
            peak_memory_bytes=self.peak_memory_bytes,
            processes=max(0, processes - self._spare),
        )
        limits = self._limits
        if limits.memory_bytes and memory > limits.memory_bytes:
            return Reason.MEMORY_LIMIT
        if limits.cpu_time_s and cpu > limits.cpu_time_s:
            return Reason.CPU_TIME_LIMIT
        if limits.processes and processes > limits.processes + self._spare:
            return Reason.PROCESS_LIMIT
        return None


def disk_usage(folder: Path) -> int:
    """Bytes that the files below a folder occupy."""
    return sum(status.st_blocks * 512 for status in _statuses(folder))


def met_file_limit(folder: Path, limit_bytes: int) -> bool:
    """Whether a file below a folder could not grow any more. Python, for one, takes that for an ordinary error."""
    return any(stat.S_ISREG(status.st_mode) and status.st_size == limit_bytes for status in _statuses(folder))


def _statuses(folder: Path) -> Iterator[os.stat_result]:
    """Of everything below a folder; it stops when that is absurdly much."""
    seen = 0
    folders = [os.fspath(folder)]
    while folders and seen < MOST_ENTRIES:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                seen += 1
                with contextlib.suppress(OSError):
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
