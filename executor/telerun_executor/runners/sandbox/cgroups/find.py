"""Finds the cgroups that this executor may use."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from telerun_executor.runners.sandbox.cgroups.base import Hierarchy
from telerun_executor.runners.sandbox.cgroups.v1 import CONTROLLERS, UNIFIED, V1Hierarchy
from telerun_executor.runners.sandbox.cgroups.v2 import ASIDE, V2Hierarchy
from telerun_protocol.errors import SandboxError

OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
NEEDED = frozenset({"memory", "pids", "cpu"})
OCTAL = re.compile(r"\\([0-7]{3})")  # how the kernel writes spaces in paths


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted cgroup file system. `root` is the cgroup that is seen at `path`."""

    root: str
    path: str
    version: int
    controllers: tuple[str, ...]


def find(owner: str) -> tuple[Hierarchy | None, tuple[str, ...]]:
    """The best hierarchy that can be used, and what kept others, or parts of this one, from being used.

    `owner` names this executor among those of the machine, in letters, digits, dots, hyphens and underscores.
    """
    if not OWNER.fullmatch(owner):
        raise ValueError(f"not a name for a directory of cgroups: {owner!r}")
    mounts = list(parse_mounts(Path("/proc/self/mountinfo").read_text()))
    best: Hierarchy | None = None
    reasons: list[str] = []
    for attempt in (_v1, _v2):
        if best and best.controllers >= NEEDED:
            break
        try:
            found: Hierarchy = attempt(owner, mounts)
        except SandboxError as error:
            reasons.append(str(error))
            continue
        reasons += found.problems
        if best and len(best.controllers & NEEDED) >= len(found.controllers & NEEDED):
            found.close()
            continue
        if best:
            best.close()
        best = found
    return best, tuple(reasons)


def _v1(owner: str, mounts: list[Mount]) -> V1Hierarchy:
    v1 = {controller: mount.path for mount in mounts for controller in mount.controllers if controller in CONTROLLERS}
    if not v1:
        raise SandboxError("No v1 controllers are mounted.")
    unified = [mount.path for mount in mounts if mount.version == 2]
    return V1Hierarchy(owner, {**v1, UNIFIED: unified[0]} if unified else v1)


def _v2(owner: str, mounts: list[Mount]) -> V2Hierarchy:
    mount = next((mount for mount in mounts if mount.version == 2), None)
    if mount is None:
        raise SandboxError("No cgroup2 is mounted.")
    base = _base(mount)
    if not _offered(base) & NEEDED:
        raise SandboxError(f"The cgroup2 has no controllers for memory, processes and CPU time in {base}.")
    return V2Hierarchy(owner, str(base))


def _base(mount: Mount) -> Path:
    """Below which jobs get their cgroups: where this process may manage them without meddling with another's."""
    top = Path(mount.path)
    own = top / _own_cgroup().removeprefix(mount.root).lstrip("/")
    if own.name == ASIDE:
        own = own.parent
    if os.geteuid() == 0:
        return own if _is_delegated(own) else top
    if not _is_writable(own):
        raise SandboxError(f"The cgroup2 {own} was not delegated to this user.")
    while not _offered(own) & NEEDED and own != top and _is_writable(own.parent):
        own = own.parent
    return own


def _offered(cgroup: Path) -> set[str]:
    file = cgroup / "cgroup.controllers"
    return set(file.read_text().split()) if file.exists() else set()  # something else may be mounted over it


def _own_cgroup() -> str:
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    return next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "/")


def _is_delegated(cgroup: Path) -> bool:
    """Whether systemd gave it away."""
    for name in ("trusted.delegate", "user.delegate"):
        with contextlib.suppress(OSError):
            return os.getxattr(cgroup, name) == b"1"
    return False


def _is_writable(cgroup: Path) -> bool:
    return all(os.access(cgroup / name, os.W_OK) for name in (".", "cgroup.procs", "cgroup.subtree_control"))


def parse_mounts(mountinfo: str) -> Iterator[Mount]:
    """The cgroup file systems in a text like /proc/self/mountinfo."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        _, _, _, root, path, *_ = (OCTAL.sub(lambda found: chr(int(found[1], 8)), word) for word in before.split())
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            controllers = tuple(options.split(",")) if kind == "cgroup" else ()
            yield Mount(root, path, 2 if kind == "cgroup2" else 1, controllers)
