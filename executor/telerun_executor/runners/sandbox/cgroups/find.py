"""Finds the cgroups that this executor may use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from telerun_executor.runners.sandbox.cgroups.base import Hierarchy
from telerun_executor.runners.sandbox.cgroups.v1 import CONTROLLERS, UNIFIED, V1Hierarchy
from telerun_protocol.errors import SandboxError

OWNER = re.compile(r"[A-Za-z0-9_.-]{1,64}")
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
    for attempt in (_v1,):
        try:
            found = attempt(owner, mounts)
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


def parse_mounts(mountinfo: str) -> Iterator[Mount]:
    """The cgroup file systems in a text like /proc/self/mountinfo."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        _, _, _, root, path, *_ = (OCTAL.sub(lambda found: chr(int(found[1], 8)), word) for word in before.split())
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            controllers = tuple(options.split(",")) if kind == "cgroup" else ()
            yield Mount(root, path, 2 if kind == "cgroup2" else 1, controllers)
