"""What holds of version 2 alone, and without user namespaces. Run in the guest, as root, by `test_in_guest.py`."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from telerun_executor.runners.sandbox.bubblewrap import Mode
from telerun_executor.runners.sandbox.capabilities import detect, level
from telerun_executor.runners.sandbox.cgroups.base import CgroupLimits
from telerun_executor.runners.sandbox.cgroups.directory import Directory
from telerun_executor.runners.sandbox.cgroups.find import find
from telerun_protocol.states import Isolation

CGROUPS = Path("/sys/fs/cgroup")
USER = 61_000
LIFE = """
import asyncio, json, subprocess, sys
from pathlib import Path
from telerun_executor.runners.sandbox.cgroups.base import CgroupLimits
from telerun_executor.runners.sandbox.cgroups.find import find

def where(): return Path("/proc/self/cgroup").read_text().strip()

told = {"before": where()}
hierarchy, told["reasons"] = find("executor")
if hierarchy:
    told |= {"controllers": sorted(hierarchy.controllers), "meanwhile": where()}
    job = hierarchy.create("job", CgroupLimits(memory_bytes=16 << 20, processes=8, cpus=1.0), None)
    told["entry"] = job.entry
    hog = "sleep 60 & head -c 30m /dev/zero | tail"
    enter = 'for file in "$1"; do echo 0 > "$file" || exit 96; done; '
    told["status"] = subprocess.run(["sh", "-c", enter + hog, "sh", *job.entry], stdout=-3).returncode
    told["oom_kills"] = job.usage().oom_kills
    told["killed"] = asyncio.run(job.kill())
    asyncio.run(job.remove())
    hierarchy.close()
    told["after"] = where()
print(json.dumps(told))
"""


@pytest.fixture
def service() -> Iterator[Path]:
    """A cgroup such as a unit of systemd has, in which there is another process besides."""
    for controller in ("memory", "pids", "cpu", "io"):
        (CGROUPS / "cgroup.subtree_control").write_text(f"+{controller}")
    cgroup = CGROUPS / "telerun.service"
    cgroup.mkdir()
    companion = subprocess.Popen(["sleep", "600"])
    (cgroup / "cgroup.procs").write_text(str(companion.pid))
    yield cgroup
    (cgroup / "cgroup.kill").write_text("1")
    companion.wait()
    for path in sorted(cgroup.rglob("*/"), reverse=True):
        path.rmdir()
    cgroup.rmdir()


def delegate(cgroup: Path, user: int) -> None:
    for name in ("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
        os.chown(cgroup / name, user, user)


TWICE = f"""
import os, sys
from telerun_executor.runners.sandbox.cgroups.find import find
first, reasons = find("first")
assert first, reasons
child = os.fork()
if child:
    status = os.waitpid(child, 0)[1]
    first.close()
    sys.exit(os.waitstatus_to_exitcode(status))
{LIFE}
"""


def live(cgroup: Path, *wrapper: str, program: str = LIFE) -> dict[str, Any]:
    """An executor's life in a cgroup."""
    argv = ["sh", "-c", f'echo 0 > {cgroup}/cgroup.procs; exec "$@"', "sh", *wrapper, sys.executable, "-c", program]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def as_user(user: int) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")


def test_root_has_everything_but_weights() -> None:
    found, reasons = find("executor")
    assert found is not None
    with closing(found):
        assert (found.version, found.can_kill) == ("v2", True)
        assert found.controllers == {"memory", "swap", "pids", "cpu", "io", "devices"}
        assert reasons == ("No v1 controllers are mounted.",)
    assert not (CGROUPS / "telerun").exists()


def test_an_ordinary_user_with_a_delegated_cgroup(service: Path) -> None:
    delegate(service, USER)
    told = live(service, *as_user(USER))
    assert told["before"] == told["after"] == "0::/telerun.service"
    assert told["meanwhile"] == "0::/telerun.service/telerun-executor"
    assert told["controllers"] == ["cpu", "io", "memory", "pids", "swap"]
    assert told["entry"] == [f"{service}/telerun/executor/job/cgroup.procs"]
    assert (told["status"], told["killed"]) == (-9, True)
    assert told["oom_kills"] >= 1
    assert [path for path in service.iterdir() if path.is_dir()] == []
    assert (service / "cgroup.subtree_control").read_text().strip() == ""


def test_an_ordinary_user_without_one(service: Path) -> None:
    told = live(service, *as_user(USER))
    assert "controllers" not in told
    assert told["reasons"][-1] == f"The cgroup2 {service} was not delegated to this user."
    assert [path for path in service.iterdir() if path.is_dir()] == []


def test_root_in_a_unit_that_systemd_gave_away(service: Path) -> None:
    try:
        os.setxattr(service, "trusted.delegate", b"1")
    except OSError as error:
        pytest.skip(f"this kernel keeps no attributes of cgroups: {error}")
    told = live(service)
    assert told["meanwhile"] == "0::/telerun.service/telerun-executor"
    assert told["entry"] == [f"{service}/telerun/executor/job/cgroup.procs"]
    assert told["killed"]


def test_root_in_a_unit_of_its_own_stays_there(service: Path) -> None:
    told = live(service)
    assert told["before"] == told["meanwhile"] == "0::/telerun.service"
    assert told["entry"] == ["/sys/fs/cgroup/telerun/executor/job/cgroup.procs"]


def test_a_container_sees_a_subtree(service: Path) -> None:
    mount = 'umount /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"'
    told = live(service, "unshare", "--cgroup", "--mount", "sh", "-c", mount, "sh")
    assert told["before"] == told["after"] == "0::/"
    assert told["meanwhile"] == "0::/telerun-executor"
    assert {"memory", "pids", "cpu"} <= set(told["controllers"])
    assert told["killed"]
    assert [path for path in service.iterdir() if path.is_dir()] == []


def test_two_executors_in_one_unit(service: Path) -> None:
    """The second starts where the first has stepped aside to."""
    delegate(service, USER)
    told = live(service, *as_user(USER), program=TWICE)
    assert told["before"] == told["meanwhile"] == told["after"] == "0::/telerun.service/telerun-executor"
    assert told["entry"] == [f"{service}/telerun/executor/job/cgroup.procs"]
    assert [path for path in service.iterdir() if path.is_dir()] == []


async def test_a_kernel_without_cgroup_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Linux 5.14; the only thing here that is not as it would be."""
    has = Directory.has
    monkeypatch.setattr(Directory, "has", lambda self, file: file != "cgroup.kill" and has(self, file))
    found, _ = find("executor")
    assert found is not None
    with closing(found):
        assert not found.can_kill
        job = found.create("job", CgroupLimits(processes=16), None)
        tree = "for n in 1 2 3; do setsid sh -c \"trap '' TERM; sleep 60 & sleep 60\" & done; wait"
        process = subprocess.Popen(["sh", "-c", f"echo 0 > {job.entry[0]}; {tree}"])
        async with asyncio.timeout(20):
            while job.usage().processes < 10:
                await asyncio.sleep(0.01)
        assert await job.kill()
        await job.remove()
        assert process.wait() == -9


def test_full_isolation_without_user_namespaces() -> None:
    most = Path("/proc/sys/user/max_user_namespaces")
    before = most.read_text()
    most.write_text("0")
    try:
        found = detect()
        rows = {row.name: row for row in found.rows}
        assert not rows["user namespaces"].ok
        assert rows["user namespaces"].found
        assert rows["bubblewrap as root"].ok, rows["bubblewrap as root"]
        assert level(found) == (Isolation.FULL, Mode.ROOT)
        as_nobody = subprocess.run(
            [*as_user(USER), sys.executable, "-c", LEVEL], capture_output=True, text=True, check=False
        )
        assert as_nobody.stdout == "none None\n", as_nobody.stderr
    finally:
        with suppress(OSError):
            most.write_text(before)
    assert level(detect()) == (Isolation.FULL, Mode.SLOT_USER)


LEVEL = """
from telerun_executor.runners.sandbox.capabilities import detect, level
print(*level(detect()))
"""
