"""Hostile programs, where they may run, and what of the machine must be as before when they have.

Safety: each program refuses to act as root on the machine itself (`hostile.h`). The executor that runs them is started
in a mount namespace of its own, below control groups that bound the whole suite, and only when it says that it keeps
jobs apart. Nothing here falls back to a weaker isolation.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests_processes import ExecutorProcess, ServerProcess

from telerun_executor.runners.sandbox.cgroups.v2 import ASIDE
from telerun_executor.runners.sandbox.runner import RUN
from telerun_executor.runners.sandbox.slots import FIRST, LAST

PROGRAMS = Path(__file__).parent / "hostile" / "programs"
CGROUPS = Path("/sys/fs/cgroup")
SUITE_BYTES, SUITE_PROCESSES = 4 << 30, 400
SETTINGS = f"""
compile_memory_bytes = {256 << 20}
emulation = false

[sandbox]
files = 4096
"""
MEMORY_TOLERANCE_BYTES = 64 << 20
V1_CONTROLLERS = ("memory", "pids", "cpu", "cpuacct", "blkio", "freezer", "devices", "unified")
SHARED_MEMORY = Path("/proc/sysvipc/shm")
BUILT = os.environ.get("HOSTILE_PROGRAMS_BUILT")  # a folder of programs that were compiled before, where that is slow


@cache
def cannot_run() -> str | None:
    """Why hostile programs cannot be run here as they have to, or None."""
    if os.geteuid() != 0:
        return "hostile programs run only where root can bound them all"
    for tool in ("bwrap", "unshare", "gcc", "setpriv"):
        if shutil.which(tool) is None:
            return f"there is no {tool}"
    can = subprocess.run(["unshare", "-m", "--propagation", "private", "true"], capture_output=True)
    if can.returncode:
        return "no mount namespace can be made here"
    with contextlib.suppress(OSError), Confinement.made():
        return None
    return "no control group can be made here that bounds the suite"


def files_of(program: str) -> dict[str, bytes]:
    """A program's sources by name, the program's own first."""
    names = (program, "hostile.h") if program.endswith((".c", ".cu")) else (program,)
    return {name: (PROGRAMS / name).read_bytes() for name in names}


def build(folder: Path) -> None:
    """Compiles the programs as an executor would, for `BUILT`. None of them is run."""
    for source in PROGRAMS.glob("*.c"):
        subprocess.run(["gcc", "-O2", "-o", folder / source.stem, source], check=True)


@dataclass(frozen=True)
class Confinement:
    """Control groups that bound all hostile programs and their executor together.

    In the executor's mount namespace each takes the place of the hierarchy that it is in, so that what the executor
    makes for its jobs lies below. By controller; version 2 has all of them in one, called "".
    """

    groups: Mapping[str, Path]

    @classmethod
    @contextlib.contextmanager
    def made(cls) -> Iterator[Confinement]:
        name = f"telerun-suite-{os.getpid()}-{time.monotonic_ns()}"
        if (CGROUPS / "cgroup.controllers").exists():
            controllers, memory = ("",), "memory.max"
            (CGROUPS / "cgroup.subtree_control").write_text("+memory +pids +cpu +io")
        else:
            controllers = tuple(one for one in V1_CONTROLLERS if (CGROUPS / one).is_dir())
            memory = "memory.limit_in_bytes"
        made: dict[str, Path] = {}
        try:
            for controller in controllers:
                group = CGROUPS / controller / name
                group.mkdir()
                made[controller] = group
                if not controller:
                    os.setxattr(group, "trusted.delegate", b"1")  # the executor may manage what is below
                for file, value in ((memory, SUITE_BYTES), ("pids.max", SUITE_PROCESSES)):
                    if (group / file).exists():
                        (group / file).write_text(str(value))
            yield cls(made)
        finally:
            for group in made.values():
                _remove(group)

    def argv(self, command: Sequence[str]) -> list[str]:
        """The command inside: in the groups, and in a mount namespace of its own."""
        lines = [f"echo $$ > '{self.groups[one]}/cgroup.procs'" for one in ("memory", "pids") if one in self.groups]
        if "" in self.groups:  # a second executor begins where the first has stepped aside to
            group = self.groups[""]
            lines.append(f"cd '{group}/{ASIDE}' 2>/dev/null || cd '{group}'; echo $$ > cgroup.procs; cd /")
        lines += [f"mount --bind '{group}' '{CGROUPS / one}'" for one, group in self.groups.items() if one]
        script = "\n".join(["set -e", *lines, 'exec "$@"'])
        return ["unshare", "-m", "--propagation", "private", "--", "sh", "-c", script, "sh", *command]

    def below(self) -> Iterator[Path]:
        """The groups that were made inside."""
        for group in self.groups.values():
            for parent, folders, _ in os.walk(group):
                yield from (Path(parent, folder) for folder in folders)

    def processes(self) -> Iterator[int]:
        """All that are inside."""
        for group in {self.groups.get("pids", self.groups.get("", Path())), *self.below()}:
            with contextlib.suppress(OSError):
                yield from map(int, (group / "cgroup.procs").read_text().split())


def _remove(group: Path) -> None:
    """With what a killed executor left below."""
    for _ in range(100):
        below = [Path(parent) for parent, _, _ in os.walk(group, topdown=False)]
        for one in below:
            with contextlib.suppress(OSError):
                one.rmdir()
        if not group.exists():
            return
        time.sleep(0.05)


class ConfinedExecutor(ExecutorProcess):
    """The real executor where hostile programs may be given to it."""

    def __init__(self, server: ServerProcess, folder: Path, confinement: Confinement, *options: str) -> None:
        super().__init__(server, folder, *options)
        self.confinement = confinement
        self.settings = folder / "executor.toml"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def start(self) -> ConfinedExecutor:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings.write_text(SETTINGS)
        argv = [sys.executable, "-m", "telerun_executor", "run", "--server", self.server.url]
        argv += ["--token-file", str(self.server.executor_token_file), "--work-dir", str(self.work)]
        argv += ["--config", str(self.settings), *self.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.confinement.argv(argv), stdout=log, stderr=log)
        return self

    def seen(self, path: Path) -> Path:
        """A path as the executor sees it, in its mount namespace."""
        assert self.process
        return Path(f"/proc/{self.process.pid}/root{path}")


@dataclass(frozen=True)
class HostState:
    """What there is on the machine because of jobs, beside the executor itself."""

    processes: frozenset[str]
    mounts: frozenset[str]
    cgroups: frozenset[str]
    files: frozenset[str]
    shared_memory: frozenset[str]
    memory_bytes: int

    @classmethod
    def of(cls, executor: ConfinedExecutor) -> HostState:
        assert executor.process
        mountinfo = Path(f"/proc/{executor.process.pid}/mountinfo").read_text()
        mounts = frozenset(" ".join(line.split()[3:5]) for line in mountinfo.splitlines())
        places = [executor.work, *(Path(line.split()[1]) for line in mounts if re.search(rf" {RUN}/\w+$", line))]
        return cls(
            processes=frozenset(processes_of_jobs(executor.confinement)),
            mounts=mounts,
            cgroups=frozenset(map(str, executor.confinement.below())),
            files=frozenset(str(path) for place in places for path in _files(executor.seen(place))),
            shared_memory=frozenset(
                line for line in SHARED_MEMORY.read_text().splitlines()[1:] if _is_slot(line.split()[7])
            ),
            memory_bytes=_unreclaimable(executor.confinement),
        )

    def difference(self, before: HostState) -> str:
        """What is not as it was, in words; empty when all is."""
        names = ("processes", "mounts", "cgroups", "files", "shared_memory")
        changed = [f"{name}: {sorted(odd)}" for name in names if (odd := getattr(self, name) ^ getattr(before, name))]
        if self.memory_bytes > before.memory_bytes + MEMORY_TOLERANCE_BYTES:
            changed.append(f"memory: {before.memory_bytes} became {self.memory_bytes}")
        return "; ".join(changed)


def wait_until_as_before(before: HostState, executor: ConfinedExecutor, timeout_s: float = 10.0) -> None:
    """A job's report is sent before the last of it is cleared away."""
    deadline = time.monotonic() + timeout_s
    while (changed := HostState.of(executor).difference(before)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not changed, changed


def processes_of_jobs(confinement: Confinement) -> Iterator[str]:
    """Living processes of the users that jobs run as, as "PID NAME"."""
    for pid in set(confinement.processes()):
        try:
            lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
        except OSError:
            continue
        told = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        if any(map(_is_slot, told["Uid"].split())) and not told["State"].startswith("Z"):
            yield f"{pid} {told['Name']}"


def _files(top: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(top):
        # Neither what the executor shows to jobs nor where it notes the processes that start their commands.
        folders[:] = [name for name in folders if not name.startswith(("visible", "rootfs")) and name != "processes"]
        yield from (Path(parent, name) for name in (*folders, *files))


def _is_slot(uid: str) -> bool:
    return FIRST <= int(uid) <= LAST


def _unreclaimable(confinement: Confinement) -> int:
    """Memory that nobody gives back by himself: of processes and of files in memory."""
    group = confinement.groups.get("memory", confinement.groups.get("", Path()))
    told = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return sum(
        int(told.get(name, 0)) for name in (("anon", "shmem") if "anon" in told else ("total_rss", "total_shmem"))
    )
