"""What this machine offers the sandbox, found out by trying, and how far that isolates jobs."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from telerun_executor.runners.sandbox import seccomp, slots
from telerun_executor.runners.sandbox.bubblewrap import INSIDE_USER, Mode
from telerun_executor.runners.sandbox.cgroups.base import Hierarchy
from telerun_executor.runners.sandbox.cgroups.find import find
from telerun_protocol.errors import SandboxError
from telerun_protocol.states import Isolation

ROOT, BUBBLEWRAP, USER_NAMESPACES, ROOT_SANDBOX = "root", "bubblewrap", "user namespaces", "bubblewrap as root"
SECCOMP, MOUNTS, CORE_DUMPS, KILL, CGROUPS = "seccomp filter", "mounts", "core dumps", "cgroup.kill", "cgroups"
SIZE, DISABLE_USERNS = "bubblewrap --size", "bubblewrap --disable-userns"
NEEDED_CGROUPS = ("memory", "pids", "cpu")
CGROUP_USES = {
    "memory": "bounds the memory of a whole job",
    "swap": "keeps that bound where the machine swaps",
    "pids": "bounds a job's processes",
    "cpu": "bounds a job's share of the CPUs",
    "io": "bounds what a job reads from disks and writes to them",
    "io.weight": "shares disks fairly between jobs",
    "devices": "keeps a job from GPUs that are not its own, beside hiding them",
}
TRIAL_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """One row. `needed`: without it jobs are not fully isolated, unless another row stands in for it."""

    name: str
    ok: bool
    found: str
    why: str  # what it is for
    fix: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Capabilities:
    rows: tuple[Capability, ...]
    bwrap: Path | None

    def has(self, *names: str) -> bool:
        return {row.name for row in self.rows if row.ok} >= set(names)


def level(capabilities: Capabilities) -> tuple[Isolation, Mode | None]:
    """How far jobs can be isolated here, and how bubblewrap is to be started for that; None: not at all.

    FULL takes root: it alone gives each slot a user of its own and bounds files. Root without user namespaces sets up
    the sandbox with its own powers and drops them inside. An ordinary user gets the namespaces and no more.
    """
    if not capabilities.has(BUBBLEWRAP, SECCOMP):
        return Isolation.NONE, None
    if not capabilities.has(ROOT):
        found = capabilities.has(USER_NAMESPACES)
        return (Isolation.DEGRADED, Mode.OWN_USER) if found else (Isolation.NONE, None)
    if not capabilities.has(MOUNTS) or not (capabilities.has(USER_NAMESPACES) or capabilities.has(ROOT_SANDBOX)):
        return Isolation.NONE, None
    mode = Mode.SLOT_USER if capabilities.has(USER_NAMESPACES) else Mode.ROOT
    cgroups = capabilities.has(*(f"cgroup {name}" for name in NEEDED_CGROUPS))
    return (Isolation.FULL if cgroups else Isolation.DEGRADED), mode


def detect(found: tuple[Hierarchy | None, Sequence[str]] | None = None) -> Capabilities:
    """Looks, tries, and leaves everything as it was. `found` is what `find` told, where that was asked already."""
    path = shutil.which("bwrap")
    bwrap = Path(path) if path else None
    rows = [_root(), *_bubblewrap(bwrap), _seccomp(), *_namespaces(bwrap)]
    if found is not None:
        rows += _cgroups(*found)
    else:
        hierarchy, reasons = find(f"doctor-{os.getpid()}")
        rows += _cgroups(hierarchy, reasons)
        if hierarchy:
            hierarchy.close()
    return Capabilities((*rows, _core_dumps()), bwrap)


def _root() -> Capability:
    return Capability(
        name=ROOT,
        ok=os.geteuid() == 0,
        found=f"user {os.geteuid()}",
        why="gives each job a user of its own, and bounds its files",
        fix="run the executor as root",
    )


def _bubblewrap(bwrap: Path | None) -> Iterator[Capability]:
    version = _run(bwrap, "--version")[1].removeprefix("bubblewrap ") if bwrap else ""
    yield Capability(
        name=BUBBLEWRAP,
        ok=bool(version),
        found=f"{version} ({bwrap})" if bwrap else "not on PATH",
        why="makes the sandbox",
        fix="apt-get install bubblewrap",
    )


def _seccomp() -> Capability:
    try:
        seccomp.program()
        problem = "" if "\nSeccomp:" in Path("/proc/self/status").read_text() else "the kernel has no seccomp"
    except SandboxError as error:
        problem = str(error)
    return Capability(
        name=SECCOMP,
        ok=not problem,
        found=problem or platform.machine(),
        why="keeps jobs from calls that reach around the sandbox",
        fix=f"a machine of kind {' or '.join(seccomp.MACHINES)}, with a kernel that has seccomp",
    )


def _namespaces(bwrap: Path | None) -> Iterator[Capability]:
    is_root = os.geteuid() == 0
    user = slots.FIRST if is_root else None
    unshared = ("--unshare-all", "--unshare-user", "--uid", str(INSIDE_USER), "--gid", str(INSIDE_USER))
    kernel = "sysctl user.max_user_namespaces and kernel.unprivileged_userns_clone; an AppArmor profile for bwrap"
    for name, options, why, fix in (
        (USER_NAMESPACES, (), "isolate a job with no power of root near it", kernel),
        (DISABLE_USERNS, ("--disable-userns",), "keeps jobs from user namespaces, beside the filter", "bubblewrap 0.8"),
        (SIZE, ("--size", "65536", "--tmpfs", "/tmp"), "bounds temporary files", "bubblewrap 0.7"),  # noqa: S108 - in a trial
    ):
        problem = _trial(bwrap, (*unshared, *options), ("true",), user)
        needed = name == USER_NAMESPACES
        yield Capability(name=name, ok=not problem, found=problem or "usable", why=why, fix=fix, needed=needed)
    if not is_root:
        return
    unshared = ("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-net", "--cap-drop", "ALL")
    powers = [word for name in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{name}")]
    drop = ("--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")
    inside = ("setpriv", "--reuid", str(user), "--regid", str(user), *drop, "--", "env", "-C", "/", "true")
    problem = _trial(bwrap, (*unshared, *powers), inside, None)
    yield Capability(
        name=ROOT_SANDBOX,
        ok=not problem,
        found=problem or "usable",
        why="stands in for user namespaces where they are forbidden",
        fix="give the executor's container CAP_SYS_ADMIN and CAP_NET_ADMIN; setpriv is of the package util-linux",
    )
    status, said = _run("unshare", "--mount", "--", "mount", "-t", "tmpfs", "telerun", "/tmp")  # noqa: S108 - in a trial
    yield Capability(
        name=MOUNTS,
        ok=status == 0,
        found="usable" if status == 0 else said,
        why="bound a job's files in size and number",
        fix="give the executor's container CAP_SYS_ADMIN",
    )


def _trial(bwrap: Path | None, unshared: Sequence[str], inside: Sequence[str], user: int | None) -> str:
    """What keeps bubblewrap from running a program; empty where it runs."""
    if bwrap is None:
        return "cannot be tried without bubblewrap"
    shown = ("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev")
    status, said = _run(bwrap, *shown, *unshared, "--", *inside, user=user)
    return "" if status == 0 else said or f"bubblewrap ended with status {status}"


def _cgroups(hierarchy: Hierarchy | None, reasons: Sequence[str]) -> Iterator[Capability]:
    fix = "run as root; in a systemd unit, Delegate=yes; in a container, with the host's cgroups writable"
    yield Capability(
        name=CGROUPS,
        ok=hierarchy is not None,
        found=hierarchy.version if hierarchy else " ".join(reasons),
        why="bound and count what a job uses as a whole",
        fix=fix,
    )
    for name, why in CGROUP_USES.items():
        ok = hierarchy is not None and name in hierarchy.controllers
        problem = next((reason for reason in reasons if reason.startswith(f"{name}: ")), "not offered")
        found = "usable" if ok else problem
        yield Capability(name=f"cgroup {name}", ok=ok, found=found, why=why, fix=fix, needed=name in NEEDED_CGROUPS)
    yield Capability(
        name=KILL,
        ok=hierarchy is not None and hierarchy.can_kill,
        found="usable" if hierarchy and hierarchy.can_kill else "processes are ended one by one",
        why="ends a whole job at once",
        fix="Linux 5.14 or newer, with a cgroup2 mounted",
        needed=False,
    )


def _core_dumps() -> Capability:
    path = Path("/proc/sys/kernel/core_pattern")
    pattern = path.read_text().strip() if path.exists() else ""
    return Capability(
        name=CORE_DUMPS,
        ok=not pattern.startswith("|"),
        found=pattern,
        why="a program of the host that takes core dumps runs as root, for every job that crashes",
        fix="sysctl -w kernel.core_pattern=core",
        needed=False,
    )


def _run(*argv: object, user: int | None = None) -> tuple[int, str]:
    """Exit status and output of a program that needs no environment, as a user of no group if that is given."""
    try:
        done = subprocess.run(
            [str(word) for word in argv],
            env={"PATH": os.defpath},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=TRIAL_S,
            user=user,
            group=user,
            extra_groups=None if user is None else (),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return -1, str(error)
    return done.returncode, (done.stdout + done.stderr).strip()
