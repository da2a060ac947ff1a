"""What is found on this machine, and on this machine with something taken away from it.

The same without user namespaces is in `guest_cgroups_v2.py`, where a whole kernel can be told to forbid them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

USER = 61_100
PROGRAM = """
import json
from dataclasses import asdict
from telerun_executor.runners.sandbox.capabilities import detect, level
found = detect()
isolation, mode = level(found)
print(json.dumps({"level": [isolation, mode and mode.value], "rows": {row.name: asdict(row) for row in found.rows}}))
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root to take something away from a process")
needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


def detect(*wrapper: str, **env: str) -> dict[str, Any]:
    """What an executor finds that is started by a program."""
    done = subprocess.run(
        [*wrapper, sys.executable, "-c", PROGRAM],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    for row in found["rows"].values():
        assert row["why"], row
        assert row["ok"] or (row["found"] and row["fix"]), row
    return found


def mounts() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines if line.partition(" - ")[2].startswith("cgroup")]


def in_namespace(*commands: str) -> tuple[str, ...]:
    """Runs commands of the shell in a mount namespace of its own first."""
    return ("unshare", "--mount", "sh", "-c", "; ".join(("set -e", *commands, 'exec "$@"')), "sh")


@needs_root
@needs_bubblewrap
def test_this_machine_with_nothing_taken_away() -> None:
    """Whatever it is, the rows and the level agree."""
    found = detect()
    ok = {name for name, row in found["rows"].items() if row["ok"]}
    full = {"mounts", "cgroup memory", "cgroup pids", "cgroup cpu"} <= ok
    if {"root", "user namespaces", "seccomp filter"} <= ok and full:
        assert found["level"] == ["full", "slot_user"]
    else:
        assert found["level"][0] != "full" or found["level"] == ["full", "root"]


def test_without_bubblewrap(tmp_path: Path) -> None:
    found = detect(PATH=str(tmp_path))
    assert found["level"] == ["none", None]
    row = found["rows"]["bubblewrap"]
    assert (row["ok"], row["found"], row["fix"]) == (False, "not on PATH", "apt-get install bubblewrap")


def test_with_a_bubblewrap_that_does_not_start(tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    found = detect(PATH=str(tmp_path))
    assert found["level"] == ["none", None]
    assert not found["rows"]["bubblewrap"]["ok"]


@needs_root
@needs_bubblewrap
def test_as_an_ordinary_user() -> None:
    become = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups")
    if subprocess.run([*become, sys.executable, "-c", "import telerun_executor"], check=False).returncode:
        pytest.skip("another user cannot read this Python")
    found = detect(*become)
    rows = found["rows"]
    assert not rows["root"]["ok"]
    assert "bubblewrap as root" not in rows
    assert not rows["cgroup memory"]["ok"]
    assert "Permission denied" in rows["cgroups"]["found"] or "not delegated" in rows["cgroups"]["found"]
    assert found["level"] == (["degraded", "own_user"] if rows["user namespaces"]["ok"] else ["none", None])


@needs_root
@needs_bubblewrap
@pytest.mark.parametrize("how", ["read-only", "masked"])
def test_without_write_access_to_cgroups(how: str) -> None:
    if how == "read-only":
        commands = [f"mount -o remount,bind,ro '{path}'" for path in mounts()]
    else:
        commands = ["mount -t tmpfs none /sys/fs/cgroup"]
    found = detect(*in_namespace(*commands))
    assert [name for name, row in found["rows"].items() if name.startswith("cgroup") and row["ok"]] == []
    assert ("Read-only file system" if how == "read-only" else "No cgroup") in found["rows"]["cgroups"]["found"]
    if found["rows"]["mounts"]["ok"]:
        assert found["level"][0] == "degraded"


@needs_root
@needs_bubblewrap
def test_without_the_memory_controller() -> None:
    memory = [path for path in mounts() if path.endswith("/memory")]
    if not memory:
        pytest.skip("the controllers of this machine cannot be taken away one by one")
    found = detect(*in_namespace(f"mount -o remount,bind,ro {memory[0]}"))
    assert [name for name in ("memory", "pids", "cpu") if found["rows"][f"cgroup {name}"]["ok"]] == ["pids", "cpu"]
    assert "Read-only file system" in found["rows"]["cgroup memory"]["found"]
    assert found["level"][0] == "degraded"


@needs_root
@needs_bubblewrap
def test_root_that_may_not_mount() -> None:
    found = detect("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all", "--")
    assert not found["rows"]["mounts"]["ok"]
    assert not found["rows"]["bubblewrap as root"]["ok"]
    assert found["level"] == ["none", None]


def test_looking_leaves_nothing() -> None:
    """Neither a cgroup nor a mount."""
    before = Path("/proc/self/mountinfo").read_text()
    detect()
    assert Path("/proc/self/mountinfo").read_text() == before
    assert not [path for mount in mounts() for path in Path(mount).glob("telerun/doctor-*")]
