"""Version 1: a hierarchy, and so a directory, for each controller; on hybrid machines a cgroup2 beside them.

That cgroup2 has no controllers worth having, but it ends a whole job at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
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
from telerun_executor.runners.sandbox.cgroups.devices import attach_filter, rules
from telerun_executor.runners.sandbox.cgroups.directory import Directory, of_dead_executors, open_parent, remove_parent
from telerun_protocol.errors import SandboxError

UNIFIED = "unified"  # the cgroup2; a process enters it first, so that it is never in a job and out of its reach
CONTROLLERS = ("memory", "pids", "cpu", "cpuacct", "blkio", "freezer", "devices")
WEIGHTS = {"blkio.bfq.weight": (1.0, 1, 1000), "blkio.weight": (5.0, 10, 1000)}  # times v2's; the least; the most
IO_FILES = (  # in the order of `IoLimit.rates`
    "blkio.throttle.read_bps_device",
    "blkio.throttle.write_bps_device",
    "blkio.throttle.read_iops_device",
    "blkio.throttle.write_iops_device",
)
TRIALS = (  # a limit's name as in `Hierarchy.controllers`, the controller, a file, a value that it must take
    ("memory", "memory", "memory.limit_in_bytes", 1 << 26),
    ("swap", "memory", "memory.memsw.limit_in_bytes", 1 << 26),
    ("pids", "pids", "pids.max", 16),
    ("cpu", "cpu", "cpu.cfs_quota_us", PERIOD_US),
)


class V1Hierarchy(Hierarchy):
    version: Literal["v1", "v2"] = "v1"

    def __init__(self, owner: str, mounts: Mapping[str, str]) -> None:
        """`mounts` are the mount points of controllers, and of the cgroup2 as "unified".

        Raises SandboxError where no process can be moved into a new cgroup; lesser troubles stand in `problems`.
        """
        self.problems: list[str] = []
        self._parents: dict[str, Directory] = {}
        opened: dict[str, Directory] = {}  # cpu and cpuacct are often one
        for name in (UNIFIED, *CONTROLLERS):
            if name in mounts:
                path = os.path.realpath(mounts[name])
                try:
                    opened[path] = self._parents[name] = opened.get(path) or open_parent(path, owner)
                except OSError as error:
                    self.problems.append(f"{name}: {error.strerror} in {path}")
        if not self._parents:
            raise SandboxError(f"Cannot make cgroups of version 1, such as {self.problems[-1]}.")
        try:
            self._probe()
        except SandboxError:
            self.close()
            raise

    def create(self, name: str, limits: CgroupLimits, devices: Devices | None) -> V1Job:
        check_can(self.controllers, limits, devices)
        without = () if devices is not None else ("devices",)
        parents = {key: parent for key, parent in self._parents.items() if key not in without}
        job = V1Job(name, parents, make=True)
        try:
            for controller, file, value in settings(limits, can_swap="swap" in self.controllers):
                job.of(controller).write(file, value)
            if limits.io_weight is not None:
                blkio = job.of("blkio")
                file = next(file for file in WEIGHTS if blkio.has(file))
                times, least, most = WEIGHTS[file]
                blkio.write(file, min(most, max(least, round(limits.io_weight * times))))
            if devices is not None:
                job.filter(devices)
        except SandboxError:
            job.sweep()
            raise
        return job

    def sweep(self) -> int:
        names = {name for parent in self._parents.values() for name in parent.children()}
        gone = sum(V1Job(name, self._parents).sweep() for name in sorted(names))
        for key, parent in self._parents.items():
            for left in of_dead_executors(parent):
                for name in left.children():
                    V1Job(name, {key: left}).sweep(STRANGERS_WITHIN_S)
        return gone

    def close(self) -> None:
        for parent in set(self._parents.values()):
            remove_parent(parent)
        self._parents = {}

    def _probe(self) -> None:
        V1Job(PROBE, self._parents).sweep()
        job = V1Job(PROBE, self._parents, make=True)
        try:
            if problem := can_enter(job):
                raise SandboxError(f"No process can be moved into a cgroup: {problem}.")
            self.can_kill = job.of(UNIFIED).has("cgroup.kill")
            self.controllers = frozenset(self._working(job))
        finally:
            job.sweep()

    def _working(self, job: V1Job) -> Iterator[str]:
        """Which limits can be set, found out by setting them."""
        for name, controller, file, value in TRIALS:
            if self._takes(name, partial(job.of(controller).write, file, value)):
                yield name
        if job.of("blkio").has(IO_FILES[0]):
            yield "io"
        if any(job.of("blkio").has(file) for file in WEIGHTS):
            yield "io.weight"
        if self._takes("devices", partial(job.filter, ())):
            yield "devices"


class V1Job(JobCgroup):
    def __init__(self, name: str, parents: Mapping[str, Directory], *, make: bool = False) -> None:
        """Over the directories that exist, or over new ones. Raises SandboxError where those cannot be made."""
        self.name = name
        self._parents = parents
        self._directories: dict[str, Directory] = {}
        opened: dict[Directory, Directory] = {}
        for key, parent in parents.items():
            try:
                opened[parent] = self._directories[key] = opened.get(parent) or parent.child(name, make=make)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.sweep()
                raise SandboxError(f"Could not make {parent.path}/{name}: {error.strerror}.") from error
        files = {one: "cgroup.procs" if key == UNIFIED else "tasks" for key, one in self._directories.items()}
        # Through "tasks" a thread moves itself without the grace period (some 10 ms) that "cgroup.procs" may wait for.
        self.entry = tuple(f"{directory.path}/{file}" for directory, file in files.items())
        self.born_in = self.of(UNIFIED).path if self.of(UNIFIED).has("cgroup.kill") else ""

    def of(self, controller: str) -> Directory:
        return self._directories.get(controller) or Directory(f"{controller} (not mounted)")

    def usage(self) -> CgroupUsage:
        memory, pids, cpu = self.of("memory"), self.of("pids"), self.of("cpu")
        io = [line.split() for line in self.of("blkio").read("blkio.throttle.io_service_bytes").splitlines()]
        return CgroupUsage(
            cpu_time_s=self.of("cpuacct").number("cpuacct.usage") / 1e9,
            memory_bytes=memory.number("memory.usage_in_bytes"),
            peak_memory_bytes=memory.number("memory.max_usage_in_bytes"),
            processes=pids.number("pids.current"),
            io_read_bytes=sum(int(line[2]) for line in io if line[1] == "Read"),
            io_write_bytes=sum(int(line[2]) for line in io if line[1] == "Write"),
            oom_kills=memory.counters("memory.oom_control").get("oom_kill", 0),
            forks_denied=pids.counters("pids.events").get("max", 0),
            throttled_s=cpu.counters("cpu.stat").get("throttled_time", 0) / 1e9,
        )

    def filter(self, devices: Devices) -> None:
        """Raises SandboxError."""
        if UNIFIED in self._directories and "devices" not in self._directories:
            attach_filter(self.of(UNIFIED), devices)
            return
        self.of("devices").write("devices.deny", "a")
        self.of("devices").write("devices.allow", *rules(devices))

    def _strike(self) -> bool:
        unified = self.of(UNIFIED)
        if unified.has("cgroup.kill"):
            if "populated 1" not in unified.read("cgroup.events"):
                return True
            self._freezer("THAWED")  # what is frozen does not even die
            unified.write("cgroup.kill", 1)
            return False
        self._freezer("FROZEN")  # so that no process forks another away while its number is read
        alive = {process for one in self._directories.values() for process in one.words("cgroup.procs")}
        kill_each(alive)
        self._freezer("THAWED")
        return not alive

    def _freezer(self, state: str) -> None:
        if "freezer" in self._directories:
            self.of("freezer").write("freezer.state", state)

    def _remove(self) -> bool:
        for key, directory in list(self._directories.items()):
            if self._parents[key].remove(self.name):
                directory.close()
                del self._directories[key]
        return not self._directories


def settings(limits: CgroupLimits, *, can_swap: bool) -> Iterator[tuple[str, str, object]]:
    """Controller, file and value for each limit but the weight, in an order that the kernel takes."""
    if limits.memory_bytes is not None:
        yield "memory", "memory.limit_in_bytes", limits.memory_bytes
        if limits.swap_bytes is not None and can_swap:
            yield "memory", "memory.memsw.limit_in_bytes", limits.memory_bytes + limits.swap_bytes
        elif limits.swap_bytes == 0:
            yield "memory", "memory.swappiness", 0
    if limits.memory_high_bytes is not None:
        yield "memory", "memory.soft_limit_in_bytes", limits.memory_high_bytes
    if limits.processes is not None:
        yield "pids", "pids.max", limits.processes
    if limits.cpus is not None:
        yield "cpu", "cpu.cfs_period_us", PERIOD_US
        yield "cpu", "cpu.cfs_quota_us", max(LEAST_QUOTA_US, round(limits.cpus * PERIOD_US))
    for limit in limits.io:
        for file, value in zip(IO_FILES, limit.rates, strict=True):
            if value is not None:
                yield "blkio", file, f"{limit.device} {value}"
