"""The seam between the sandbox and the kernel's control groups: a Hierarchy makes a JobCgroup for each box.

Both work synchronously on open directories, because each step costs microseconds; only ending a job takes waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from telerun_protocol.errors import SandboxError

Devices = Sequence[tuple[int, int | None]]
"""Character devices by major and minor number; a minor of None stands for all of them."""

PROBE = "probe"  # the name of a cgroup in which it is tried what works
PERIOD_US, LEAST_QUOTA_US = 100_000, 1000  # of CPU time; the kernel takes no less
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.0005, 0.02
REMOVED_WITHIN_S = 2.0  # a killed process may hold its cgroup for a moment after it is gone
STRANGERS_WITHIN_S = 0.1  # what a dead executor left is mostly empty, and may as well wait for the next one


@dataclass(frozen=True, slots=True, kw_only=True)
class IoLimit:
    """Bounds of one block device. None: unlimited."""

    device: str  # major:minor
    read_bytes_s: int | None = None
    write_bytes_s: int | None = None
    read_iops: int | None = None
    write_iops: int | None = None

    @property
    def rates(self) -> tuple[int | None, ...]:
        return self.read_bytes_s, self.write_bytes_s, self.read_iops, self.write_iops


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupLimits:
    """Bounds of a job as a whole. None: unlimited."""

    memory_bytes: int | None = None  # with the page cache and the tmpfs that it fills
    memory_high_bytes: int | None = None  # above it the job is slowed down; in v1 what it gives back first
    swap_bytes: int | None = 0
    processes: int | None = None  # with its threads
    cpus: float | None = None
    io_weight: int | None = None  # 1 to 10000, against 100 of others
    io: tuple[IoLimit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupUsage:
    """What a job has used so far. Zero where its hierarchy does not count it."""

    cpu_time_s: float = 0.0
    memory_bytes: int = 0
    peak_memory_bytes: int = 0
    processes: int = 0
    io_read_bytes: int = 0
    io_write_bytes: int = 0
    oom_kills: int = 0
    forks_denied: int = 0
    throttled_s: float = 0.0


class Hierarchy(ABC):
    """Where this executor's jobs get their cgroups. `owner` names the executor among others on the machine.

    `controllers` are those that work here, by their names in v2, whatever the version: "memory", "swap", "cpu", "pids",
    "io" (limits of block devices), "io.weight", and "devices".
    """

    version: Literal["v1", "v2"]
    controllers: frozenset[str]
    can_kill: bool  # by the kernel, all at once
    problems: list[str]  # what does not work in it, and why

    @abstractmethod
    def create(self, name: str, limits: CgroupLimits, devices: Devices | None) -> JobCgroup:
        """A new cgroup with these limits, in which only these devices and the harmless ones can be opened.

        `devices` None filters none. Raises SandboxError that names what could not be set, and leaves nothing behind.
        """

    @abstractmethod
    def sweep(self) -> int:
        """Ends and removes what a dead predecessor of the same owner left; returns how many cgroups are gone.

        What others left that died, and nobody succeeded, is removed, too.
        """

    @abstractmethod
    def close(self) -> None:
        """Undoes what was set up, as far as no job and no other executor uses it."""

    def _takes(self, name: str, set_: Callable[[], None]) -> bool:
        """Whether a limit can be set; otherwise `problems` says why not."""
        try:
            set_()
        except SandboxError as error:
            self.problems.append(f"{name}: {error}")
            return False
        return True


class JobCgroup(ABC):
    """The cgroup of one box. `entry` are files; a process with one thread joins by writing "0" into each of them.

    `born_in` is the folder of a cgroup of version 2 that can end all of the job at once: a process may begin in it
    instead of entering it. Empty where there is none.
    """

    name: str
    entry: tuple[str, ...]
    born_in: str

    @abstractmethod
    def usage(self) -> CgroupUsage:
        """What was used until now. Called several times a second; raises nothing, also after the job's end."""

    async def kill(self, timeout_s: float = 5.0) -> bool:
        """Ends every process in it; True when none is left, False when one survived for `timeout_s`."""
        for pause_s in pauses(timeout_s):
            if self._strike():
                return True
            await asyncio.sleep(pause_s)
        return self._strike()

    async def remove(self) -> None:
        """Removes it, empty as it must be. Raises SandboxError when it does not become so."""
        for pause_s in pauses(REMOVED_WITHIN_S):
            if self._remove():
                return
            await asyncio.sleep(pause_s)
        raise SandboxError(f"The cgroup of {self.name} could not be removed: something in it is still alive.")

    def sweep(self, within_s: float = REMOVED_WITHIN_S) -> bool:
        """`kill` and `remove`, each for a moment and without an event loop; whether it is gone."""
        for step in (self._strike, self._remove):
            for pause_s in pauses(within_s):
                if step():
                    break
                time.sleep(pause_s)
        return self._remove()  # at no cost where it is gone already

    @abstractmethod
    def _strike(self) -> bool:
        """Kills what is in it; whether nothing was."""

    @abstractmethod
    def _remove(self) -> bool:
        """Removes its directories; whether all are gone."""


def pauses(timeout_s: float) -> Iterator[float]:
    """Pauses, each longer than the one before, until the time is over."""
    deadline, pause_s = time.monotonic() + timeout_s, SHORTEST_PAUSE_S
    while time.monotonic() < deadline:
        yield pause_s
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def check_can(controllers: frozenset[str], limits: CgroupLimits, devices: Devices | None) -> None:
    """Raises SandboxError when a limit needs a controller that does not work here: none is left out silently."""
    needed = {
        "memory": limits.memory_bytes is not None or limits.memory_high_bytes is not None,
        "swap": bool(limits.swap_bytes),
        "pids": limits.processes is not None,
        "cpu": limits.cpus is not None,
        "io": bool(limits.io),
        "io.weight": limits.io_weight is not None,
        "devices": devices is not None,
    }
    missing = [name for name, is_needed in needed.items() if is_needed and name not in controllers]
    if missing:
        raise SandboxError(f"The limits of a job need what cgroups do not offer here: {', '.join(missing)}.")


def can_enter(job: JobCgroup) -> str:
    """Why a process cannot join a cgroup; empty if it can."""
    script = 'for file; do echo 0 > "$file" || exit 1; done'
    done = subprocess.run(["/bin/sh", "-c", script, "sh", *job.entry], env={}, capture_output=True, check=False)
    return done.stderr.decode(errors="replace").strip()


def kill_each(processes: Iterable[str]) -> None:
    """Kills processes by their numbers; "0" is one that cannot be seen from here."""
    for process in processes:
        if process != "0":
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
