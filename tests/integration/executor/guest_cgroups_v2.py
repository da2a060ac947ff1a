"""What holds of version 2 alone, and without user namespaces. Run in the guest, as root, by `test_in_guest.py`."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import subprocess
import traceback
from collections.abc import Callable, Iterator
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
CLONE_NEWNS, CLONE_NEWCGROUP = 0x20000, 0x2000000


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


def in_child(
    act: Callable[[], dict[str, Any]], *, cgroup: Path | None = None, user: int | None = None
) -> dict[str, Any]:
    """What a process of its own tells, in a cgroup and as a user. Forked: to start Python takes long in the guest."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if cgroup is not None:
                (cgroup / "cgroup.procs").write_text("0")
            if user is not None:
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
            os.write(writer, json.dumps(act()).encode())
        except BaseException:  # noqa: BLE001 - the parent tells it
            os.write(writer, json.dumps(traceback.format_exc()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = json.loads(pipe.read())
    os.waitpid(child, 0)
    assert isinstance(told, dict), told
    return told


def own_cgroup() -> str:
    return Path("/proc/self/cgroup").read_text().strip()


def life() -> dict[str, Any]:
    """An executor's."""
    told: dict[str, Any] = {"before": own_cgroup()}
    hierarchy, told["reasons"] = find("executor")
    if hierarchy is None:
        return told
    told |= {"controllers": sorted(hierarchy.controllers), "meanwhile": own_cgroup()}
    job = hierarchy.create("job", CgroupLimits(memory_bytes=16 << 20, processes=8, cpus=1.0), None)
    told["entry"] = job.entry
    hog = f"echo 0 > {job.entry[0]}; sleep 60 & head -c 30m /dev/zero | tail"
    told["status"] = subprocess.run(["sh", "-c", hog], stdout=subprocess.DEVNULL, check=False).returncode
    told["oom_kills"] = job.usage().oom_kills
    told["killed"] = asyncio.run(job.kill())
    asyncio.run(job.remove())
    hierarchy.close()
    return told | {"after": own_cgroup()}


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
    told = in_child(life, cgroup=service, user=USER)
    assert told["before"] == told["after"] == "0::/telerun.service"
    assert told["meanwhile"] == "0::/telerun.service/telerun-executor"
    assert told["controllers"] == ["cpu", "io", "memory", "pids", "swap"]
    assert told["entry"] == [f"{service}/telerun/executor/job/cgroup.procs"]
    assert (told["status"], told["killed"]) == (-9, True)
    assert told["oom_kills"] >= 1
    assert [path for path in service.iterdir() if path.is_dir()] == []
    assert (service / "cgroup.subtree_control").read_text().strip() == ""


def test_an_ordinary_user_without_one(service: Path) -> None:
    told = in_child(life, cgroup=service, user=USER)
    assert "controllers" not in told
    assert told["reasons"][-1] == f"The cgroup2 {service} was not delegated to this user."
    assert [path for path in service.iterdir() if path.is_dir()] == []


def test_root_in_a_unit_that_systemd_gave_away(service: Path) -> None:
    try:
        os.setxattr(service, "trusted.delegate", b"1")
    except OSError as error:
        pytest.skip(f"this kernel keeps no attributes of cgroups: {error}")
    told = in_child(life, cgroup=service)
    assert told["meanwhile"] == "0::/telerun.service/telerun-executor"
    assert told["entry"] == [f"{service}/telerun/executor/job/cgroup.procs"]
    assert told["killed"]


def test_root_in_a_unit_of_its_own_stays_there(service: Path) -> None:
    told = in_child(life, cgroup=service)
    assert told["before"] == told["meanwhile"] == "0::/telerun.service"
    assert told["entry"] == ["/sys/fs/cgroup/telerun/executor/job/cgroup.procs"]


def test_a_container_sees_a_subtree(service: Path) -> None:
    def in_container() -> dict[str, Any]:
        unshare = ctypes.CDLL(None, use_errno=True).unshare
        assert unshare(CLONE_NEWCGROUP | CLONE_NEWNS) == 0, ctypes.get_errno()
        for command in ("mount --make-rprivate /", "umount /sys/fs/cgroup", "mount -t cgroup2 none /sys/fs/cgroup"):
            subprocess.run(command.split(), check=True)
        return life()

    told = in_child(in_container, cgroup=service)
    assert told["before"] == told["after"] == "0::/"
    assert told["meanwhile"] == "0::/telerun-executor"
    assert {"memory", "pids", "cpu"} <= set(told["controllers"])
    assert told["killed"]
    assert [path for path in service.iterdir() if path.is_dir()] == []


def test_two_executors_in_one_unit(service: Path) -> None:
    """The second starts where the first has stepped aside to."""
    delegate(service, USER)

    def second_within_first() -> dict[str, Any]:
        first, reasons = find("first")
        assert first is not None, reasons
        with closing(first):
            return in_child(life)

    told = in_child(second_within_first, cgroup=service, user=USER)
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
        tree = "for n in 1 2 3; do setsid sh -c \"trap '' TERM; sleep 60 & sleep 60\" & done"
        stays = "while :; do sleep 60; done"
        process = subprocess.Popen(["sh", "-c", f"echo 0 > {job.entry[0]}; {tree}; {stays}"])
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
        assert in_child(lambda: {"level": level(detect())}, user=USER) == {"level": ["none", None]}
    finally:
        with suppress(OSError):
            most.write_text(before)
