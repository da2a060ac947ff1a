"""Version 2: one hierarchy, and so one directory for each job.

Controllers reach a cgroup only from above, and one that hands them down may hold no processes itself (the root of the
machine excepted). So the executor, where its jobs get their cgroups below its own, first steps aside into a child.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from typing import Literal

from telerun_executor.runners.sandbox.cgroups.base import (
    LEAST_QUOTA_US,
    PERIOD_US,
    PROBE,
    STRANGERS_WITHIN_S,
    CgroupLimits,
    CgroupUsage,
    Devices,
    Hierarchy,
    JobCgroup,
    can_enter,
    check_can,
    kill_each,
)
from telerun_executor.runners.sandbox.cgroups.devices import attach_filter
from telerun_executor.runners.sandbox.cgroups.directory import (
    TOP,
    Directory,
    of_dead_executors,
    open_parent,
    remove_parent,
)
from telerun_protocol.errors import SandboxError

CONTROLLERS = ("memory", "pids", "cpu", "io")
ASIDE = "telerun-executor"  # the child that the executor's own processes step into
MOST_ROUNDS = 100  # of moving processes that fork meanwhile
WEIGHTS = {"io.weight": 10_000, "io.bfq.weight": 1000}  # the greatest
RATES = ("rbps", "wbps", "riops", "wiops")  # in the order of `IoLimit.rates`
TRIALS = (  # a limit's name as in `Hierarchy.controllers`, a file, a value that it must take
    ("memory", "memory.max", 1 << 26),
    ("swap", "memory.swap.max", 0),
    ("pids", "pids.max", 16),
    ("cpu", "cpu.max", f"{PERIOD_US} {PERIOD_US}"),
)


class V2Hierarchy(Hierarchy):
    version: Literal["v1", "v2"] = "v2"

    def __init__(self, owner: str, base: str) -> None:
        """Jobs get their cgroups below the directory `base`.

        Raises SandboxError where no process can be moved into a new cgroup; lesser troubles stand in `problems`.
        """
        self.problems: list[str] = []
        self._is_aside = False
        self._base = Directory(base)
        try:
            self._parent = open_parent(base, owner)
            self._base = Directory.open(base)
        except OSError as error:
            raise SandboxError(f"Cannot make cgroups in {base}: {error.strerror}.") from error
        try:
            self._settle()
        except SandboxError:
            self.close()
            raise

    def create(self, name: str, limits: CgroupLimits, devices: Devices | None) -> V2Job:
        check_can(self.controllers, limits, devices)
        job = V2Job(name, self._parent, make=True)
        try:
            for file, value in settings(limits, can_swap="swap" in self.controllers):
                job.directory.write(file, value)
            if limits.io_weight is not None:
                file = next(file for file in WEIGHTS if job.directory.has(file))
                job.directory.write(file, f"default {min(limits.io_weight, WEIGHTS[file])}")
            if devices is not None:
                attach_filter(job.directory, devices)
        except SandboxError:
            job.sweep()
            raise
        return job

    def sweep(self) -> int:
        gone = sum(V2Job(name, self._parent).sweep() for name in self._parent.children())
        for left in of_dead_executors(self._parent):
            for name in left.children():
                V2Job(name, left).sweep(STRANGERS_WITHIN_S)
        return gone

    def close(self) -> None:
        remove_parent(self._parent)
        with contextlib.suppress(OSError, SandboxError):
            if self._is_aside and TOP not in self._base.children():
                self._step_back()
        self._base.close()

    def _settle(self) -> None:
        processes = self._base.words("cgroup.procs")
        if processes and self._base.has("cgroup.type"):  # which the root of the machine has not
            if str(os.getpid()) not in processes:
                raise SandboxError(f"In {self._base.path} there are processes that are not this executor's.")
            self._step_aside()
        self._hand_down(self._base)
        top = self._base.child(TOP)
        self._hand_down(top)
        top.close()
        self._hand_down(self._parent)
        V2Job(PROBE, self._parent).sweep()
        job = V2Job(PROBE, self._parent, make=True)
        try:
            if problem := can_enter(job):
                raise SandboxError(f"No process can be moved into a cgroup: {problem}.")
            self.can_kill = job.directory.has("cgroup.kill")
            self.controllers = frozenset(self._working(job))
        finally:
            job.sweep()

    def _hand_down(self, directory: Directory) -> None:
        """Lets the children of a directory use the controllers that it has."""
        usable, enabled = (directory.words(f"cgroup.{file}") for file in ("controllers", "subtree_control"))
        for name in CONTROLLERS:
            if name in usable and name not in enabled:
                self._takes(name, partial(directory.write, "cgroup.subtree_control", f"+{name}"))

    def _step_aside(self) -> None:
        """Moves all processes in the base into a child: this one and, in a service or a container, its companions."""
        aside = self._base.child(ASIDE, make=not self._base.has(ASIDE))
        _move(self._base, aside)
        aside.close()
        self._is_aside = True

    def _step_back(self) -> None:
        for controller in self._base.words("cgroup.subtree_control"):
            self._base.write("cgroup.subtree_control", f"-{controller}")
        aside = self._base.child(ASIDE)
        _move(aside, self._base)
        aside.close()
        self._base.remove(ASIDE)

    def _working(self, job: V2Job) -> Iterator[str]:
        """Which limits can be set, found out by setting them."""
        for name, file, value in TRIALS:
            if self._takes(name, partial(job.directory.write, file, value)):
                yield name
        if job.directory.has("io.max"):
            yield "io"
        if any(job.directory.has(file) for file in WEIGHTS):
            yield "io.weight"
        if self._takes("devices", partial(attach_filter, job.directory, ())):
            yield "devices"


class V2Job(JobCgroup):
    def __init__(self, name: str, parent: Directory, *, make: bool = False) -> None:
        """Over a directory that exists, or over a new one. Raises SandboxError where that cannot be made."""
        self.name = name
        self._parent = parent
        try:
            self.directory = parent.child(name, make=make)
        except OSError as error:
            self.directory = Directory(f"{parent.path}/{name}")
            if make:
                raise SandboxError(f"Could not make {self.directory.path}: {error.strerror}.") from error
        self.entry = (f"{self.directory.path}/cgroup.procs",)
        self.born_in = self.directory.path if self.directory.has("cgroup.kill") else ""
        self._peak_memory_bytes = 0

    def usage(self) -> CgroupUsage:
        cpu = self.directory.counters("cpu.stat")
        memory_bytes = self.directory.number("memory.current")
        self._peak_memory_bytes = max(  # before Linux 5.19 as far as it was seen
            self._peak_memory_bytes, memory_bytes, self.directory.number("memory.peak")
        )
        io = [word.partition("=") for word in self.directory.words("io.stat")]
        return CgroupUsage(
            cpu_time_s=cpu.get("usage_usec", 0) / 1e6,
            memory_bytes=memory_bytes,
            peak_memory_bytes=self._peak_memory_bytes,
            processes=self.directory.number("pids.current"),
            io_read_bytes=sum(int(value) for key, _, value in io if key == "rbytes"),
            io_write_bytes=sum(int(value) for key, _, value in io if key == "wbytes"),
            oom_kills=self.directory.counters("memory.events").get("oom_kill", 0),
            forks_denied=self.directory.counters("pids.events").get("max", 0),
            throttled_s=cpu.get("throttled_usec", 0) / 1e6,
        )

    def _strike(self) -> bool:
        if "populated 1" not in self.directory.read("cgroup.events"):
            return True
        if self.directory.has("cgroup.kill"):
            self.directory.write("cgroup.kill", 1)
            return False
        self.directory.write("cgroup.freeze", 1)  # so that no process forks another away while its number is read
        kill_each(self.directory.words("cgroup.procs"))
        return False

    def _remove(self) -> bool:
        if self._parent.remove(self.name):
            self.directory.close()
            return True
        return False


def settings(limits: CgroupLimits, *, can_swap: bool) -> Iterator[tuple[str, object]]:
    """File and value for each limit but the weight."""
    if limits.memory_bytes is not None:
        yield "memory.max", limits.memory_bytes
        yield "memory.oom.group", 1  # a job that was robbed of one of its processes is no job any more
    if limits.memory_high_bytes is not None:
        yield "memory.high", limits.memory_high_bytes
    if limits.swap_bytes is not None and can_swap:
        yield "memory.swap.max", limits.swap_bytes
    if limits.processes is not None:
        yield "pids.max", limits.processes
    if limits.cpus is not None:
        yield "cpu.max", f"{max(LEAST_QUOTA_US, round(limits.cpus * PERIOD_US))} {PERIOD_US}"
    for limit in limits.io:
        rates = " ".join(f"{key}={rate}" for key, rate in zip(RATES, limit.rates, strict=True) if rate is not None)
        yield "io.max", f"{limit.device} {rates}"


def _move(source: Directory, target: Directory) -> None:
    """Moves all processes from one cgroup to another, as far as that can be done."""
    for _ in range(MOST_ROUNDS):
        moved = 0
        for process in source.words("cgroup.procs"):
            with contextlib.suppress(SandboxError):  # it has ended, or is one of the kernel's
                target.write("cgroup.procs", process)
                moved += 1
        if not moved:
            return
