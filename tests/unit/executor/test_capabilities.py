"""The level of isolation that follows from what a machine offers."""

from __future__ import annotations

import pytest

from telerun_executor.runners.sandbox.bubblewrap import Mode
from telerun_executor.runners.sandbox.capabilities import (
    BUBBLEWRAP,
    MOUNTS,
    NEEDED_CGROUPS,
    ROOT,
    ROOT_SANDBOX,
    SECCOMP,
    USER_NAMESPACES,
    Capabilities,
    Capability,
    level,
)
from telerun_protocol.states import Isolation

CGROUPS = tuple(f"cgroup {name}" for name in NEEDED_CGROUPS)
ALL = (ROOT, BUBBLEWRAP, SECCOMP, USER_NAMESPACES, ROOT_SANDBOX, MOUNTS, *CGROUPS)
NOTHING = (Isolation.NONE, None)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ((), (Isolation.FULL, Mode.SLOT_USER)),
        ((ROOT_SANDBOX,), (Isolation.FULL, Mode.SLOT_USER)),
        ((USER_NAMESPACES,), (Isolation.FULL, Mode.ROOT)),
        (("cgroup memory",), (Isolation.DEGRADED, Mode.SLOT_USER)),
        (("cgroup pids",), (Isolation.DEGRADED, Mode.SLOT_USER)),
        (("cgroup cpu",), (Isolation.DEGRADED, Mode.SLOT_USER)),
        ((*CGROUPS, USER_NAMESPACES), (Isolation.DEGRADED, Mode.ROOT)),
        ((ROOT, ROOT_SANDBOX, MOUNTS, *CGROUPS), (Isolation.DEGRADED, Mode.OWN_USER)),
        ((ROOT, ROOT_SANDBOX, MOUNTS), (Isolation.DEGRADED, Mode.OWN_USER)),  # with cgroups that were delegated
        ((ROOT, ROOT_SANDBOX, MOUNTS, USER_NAMESPACES), NOTHING),
        ((USER_NAMESPACES, ROOT_SANDBOX), NOTHING),
        ((MOUNTS,), NOTHING),
        ((BUBBLEWRAP,), NOTHING),
        ((SECCOMP,), NOTHING),
        ((ROOT, SECCOMP), NOTHING),
        (ALL, NOTHING),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_level(missing: tuple[str, ...], expected: tuple[Isolation, Mode | None]) -> None:
    rows = (Capability(name=name, ok=name not in missing, found="", why="") for name in ALL)
    assert level(Capabilities(tuple(rows), None)) == expected
