"""What holds of the cgroups of any machine; here over those of this one, and in `test_in_guest.py` over version 2."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest

from telerun_executor.runners.sandbox.cgroups.base import CgroupLimits, CgroupUsage, Hierarchy, IoLimit, JobCgroup
from telerun_executor.runners.sandbox.cgroups.find import find
from telerun_protocol.errors import SandboxError

MIB = 1 << 20
ENTER = 'for file in {entry}; do echo 0 > "$file" || exit 96; done; exec "$@"'


@pytest.fixture
def owner() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def hierarchy(owner: str) -> Iterator[Hierarchy]:
    found, reasons = find(owner)
    if found is None:
        pytest.skip("no cgroups can be used here: " + "; ".join(reasons))
    with closing(found):
        yield found
        found.sweep()  # what a failed test has left


def needs(hierarchy: Hierarchy, *controllers: str) -> None:
    if missing := set(controllers) - hierarchy.controllers:
        pytest.skip(f"cgroups offer no {', '.join(missing)} here: {'; '.join(hierarchy.problems)}")


def start(job: JobCgroup, *argv: str, **options: object) -> subprocess.Popen[bytes]:
    """A program in a cgroup."""
    script = ENTER.format(entry=" ".join(job.entry))
    return subprocess.Popen(["sh", "-c", script, "sh", *argv], stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload,no-any-return]


async def end(job: JobCgroup) -> None:
    assert await job.kill()
    await job.remove()


async def until_processes(job: JobCgroup, count: int) -> None:
    async with asyncio.timeout(20):
        while job.usage().processes < count:
            await asyncio.sleep(0.01)


def members(job: JobCgroup) -> set[int]:
    return {int(pid) for file in job.entry for pid in Path(file).with_name("cgroup.procs").read_text().split()}


async def test_a_job_is_alone_in_its_cgroup_and_leaves_nothing(hierarchy: Hierarchy) -> None:
    job = hierarchy.create("job", CgroupLimits(), None)
    process = start(job, "sleep", "60")
    await until_processes(job, 1)
    assert members(job) == {process.pid}
    assert await job.kill()
    assert process.wait() == -9
    assert members(job) == set()
    await job.remove()
    assert not any(Path(file).parent.exists() for file in job.entry)


async def test_memory_is_the_whole_jobs(hierarchy: Hierarchy) -> None:
    needs(hierarchy, "memory")
    job = hierarchy.create("job", CgroupLimits(memory_bytes=32 * MIB), None)
    hold = "import time; held = b'x' * (14 << 20); time.sleep(60)"  # each alone is within the limit
    processes = [start(job, sys.executable, "-I", "-S", "-c", hold, stderr=-3) for _ in range(3)]
    async with asyncio.timeout(60):
        while job.usage().oom_kills == 0:
            await asyncio.sleep(0.02)
    assert 24 * MIB < job.usage().peak_memory_bytes <= 32 * MIB
    await end(job)
    assert {process.wait() for process in processes} == {-9}


async def test_a_process_within_its_memory_is_left_alone(hierarchy: Hierarchy) -> None:
    needs(hierarchy, "memory")
    job = hierarchy.create("job", CgroupLimits(memory_bytes=64 * MIB, memory_high_bytes=48 * MIB), None)
    process = start(job, "sh", "-c", "head -c 20m /dev/zero | tail", stdout=-3)
    assert await asyncio.to_thread(process.wait) == 0
    assert job.usage().oom_kills == 0
    assert job.usage().peak_memory_bytes > 20 * MIB
    await end(job)


async def test_no_more_processes_than_allowed(hierarchy: Hierarchy) -> None:
    needs(hierarchy, "pids")
    job = hierarchy.create("job", CgroupLimits(processes=6), None)
    process = start(job, "sh", "-c", "for n in 1 2 3 4 5 6 7 8 9; do sleep 60 & done", stderr=-3)
    assert await asyncio.to_thread(process.wait) == 2
    assert job.usage().forks_denied >= 1
    assert 0 < job.usage().processes <= 6
    await end(job)


async def test_cpu_time_is_counted_and_throttled(hierarchy: Hierarchy) -> None:
    needs(hierarchy, "cpu")
    job = hierarchy.create("job", CgroupLimits(cpus=0.25), None)
    process = start(job, "sh", "-c", "while :; do :; done")
    async with asyncio.timeout(20):
        while job.usage().throttled_s == 0 or job.usage().cpu_time_s < 0.05:
            await asyncio.sleep(0.02)
    await end(job)
    assert process.wait() == -9


async def test_a_tree_that_resists_is_ended(hierarchy: Hierarchy) -> None:
    needs(hierarchy, "pids")
    job = hierarchy.create("job", CgroupLimits(processes=16), None)
    branch = "trap '' TERM HUP INT; setsid sh -c 'sleep 60 & sleep 60' & sleep 60"
    process = start(job, "sh", "-c", f"for n in 1 2 3; do sh -c \"{branch}\" & done; trap '' TERM; sleep 60; sleep 60")
    await until_processes(job, 13)
    was = members(job)
    await end(job)
    process.wait()
    assert len(was) >= 13
    assert not any(_is_alive(pid) for pid in was)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


async def test_only_the_devices_of_the_job(hierarchy: Hierarchy, tmp_path: Path) -> None:
    """Nodes of a device without a driver: ENXIO where the kernel lets one at it, EPERM where not."""
    needs(hierarchy, "devices")
    nodes = [tmp_path / str(minor) for minor in (0, 1)]
    for minor, node in enumerate(nodes):
        os.mknod(node, 0o20666, os.makedev(195, minor))
    if os.statvfs(tmp_path).f_flag & os.ST_NODEV:
        pytest.skip(f"{tmp_path} lies on a file system without devices")
    program = (
        "import os, sys\n"
        "def name(function, *given):\n"
        "    try: os.close(function(*given) or os.dup(0))\n"
        "    except OSError as error: return error.strerror\n"
        "    return 'ok'\n"
        "opened = [name(os.open, path, os.O_RDWR) for path in ('/dev/null', '/dev/urandom', *sys.argv[1:3])]\n"
        "print(*opened, name(os.mknod, sys.argv[3], 0o20666, os.makedev(195, 0)), sep='; ')\n"
    )
    argv = (sys.executable, "-I", "-S", "-c", program, *map(str, nodes), str(tmp_path / "new"))
    expected = {
        None: "ok; ok; No such device or address; No such device or address; ok",
        (): "ok; ok; Operation not permitted; Operation not permitted; Operation not permitted",
        ((195, 0),): "ok; ok; No such device or address; Operation not permitted; Operation not permitted",
        ((195, None),): "ok; ok; No such device or address; No such device or address; Operation not permitted",
    }
    for devices, answer in expected.items():
        job = hierarchy.create("job", CgroupLimits(), devices)
        process = start(job, *argv, stdout=-1)
        said, _ = process.communicate()
        assert said.decode().strip() == answer, devices
        await end(job)
        (tmp_path / "new").unlink(missing_ok=True)


async def test_limits_of_block_devices(hierarchy: Hierarchy, tmp_path: Path) -> None:
    needs(hierarchy, "io")
    target, device = tmp_path / "file", tmp_path.stat().st_dev
    if not Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/device").exists():
        target = Path("/dev/ubda")
        if not target.exists():
            pytest.skip(f"{tmp_path} lies on no block device of its own")
        device = target.stat().st_rdev
    limit = IoLimit(device=f"{os.major(device)}:{os.minor(device)}", write_bytes_s=MIB, read_iops=1000)
    job = hierarchy.create("job", CgroupLimits(io=(limit,)), None)
    process = start(
        job, "dd", "if=/dev/zero", f"of={target}", "oflag=direct", "conv=notrunc", "bs=64k", "count=16", stderr=-3
    )
    began = time.monotonic()
    assert await asyncio.to_thread(process.wait) == 0
    assert time.monotonic() - began > 0.5  # unbounded, it takes a few milliseconds
    assert job.usage().io_write_bytes >= MIB
    await end(job)


async def test_weight_of_io(hierarchy: Hierarchy) -> None:
    needs(hierarchy, "io.weight")
    job = hierarchy.create("job", CgroupLimits(io_weight=50), None)
    folders = [Path(file).parent for file in job.entry]
    files = ("io.weight", "io.bfq.weight", "blkio.bfq.weight")
    found = [path.read_text().split()[-1] for folder in folders for name in files if (path := folder / name).exists()]
    assert "50" in found
    await end(job)


async def test_what_cannot_be_limited_is_refused(hierarchy: Hierarchy) -> None:
    with pytest.raises(SandboxError, match=r"io\.max|blkio\.throttle|do not offer here: io"):
        hierarchy.create("job", CgroupLimits(io=(IoLimit(device="4095:77", read_bytes_s=1),)), None)
    assert hierarchy.sweep() == 0  # nothing was left behind


async def test_a_name_is_used_once(hierarchy: Hierarchy) -> None:
    job = hierarchy.create("job", CgroupLimits(), None)
    with pytest.raises(SandboxError, match="File exists"):
        hierarchy.create("job", CgroupLimits(), None)
    assert all(Path(file).exists() for file in job.entry)
    await end(job)


async def test_usage_asks_nothing_of_a_cgroup_that_is_gone(hierarchy: Hierarchy) -> None:
    job = hierarchy.create("job", CgroupLimits(), None)
    await end(job)
    usage = job.usage()
    assert {getattr(usage, field.name) for field in fields(CgroupUsage)} == {0}
    assert await job.kill()
    await job.remove()


PREDECESSOR = """
import subprocess, sys, time
from telerun_executor.runners.sandbox.cgroups.base import CgroupLimits
from telerun_executor.runners.sandbox.cgroups.find import find
hierarchy, _ = find(sys.argv[1])
job = hierarchy.create("left", CgroupLimits(), None)
enter = sys.argv[2].format(entry=" ".join(job.entry))
sleeper = subprocess.Popen(["sh", "-c", enter, "sh", "sleep", "60"], stdout=subprocess.DEVNULL)
while not job.usage().processes:
    time.sleep(0.01)
print(sleeper.pid, flush=True)
time.sleep(60)
"""


async def test_leftovers_of_dead_executors_are_swept_and_no_others(owner: str, hierarchy: Hierarchy) -> None:
    needs(hierarchy, "pids")
    executors = [
        subprocess.Popen([sys.executable, "-c", PREDECESSOR, f"executor-{owner}-{number}", ENTER], stdout=-1)
        for number in (1, 2)
    ]
    sleepers = [int(one.stdout.readline()) for one in executors if one.stdout]
    for executor, own, living in zip(executors, (1, 0), (1, 0), strict=True):
        executor.kill()
        executor.communicate()
        assert sum(map(_is_alive, sleepers)) == living + 1
        found, reasons = find(f"executor-{owner}-1")  # the successor of the one, a stranger to the other
        assert found is not None, reasons
        with closing(found):
            assert found.sweep() == own
            assert found.sweep() == 0
        assert [_is_alive(sleeper) for sleeper in sleepers] == [False, bool(living)]
    mounts = [Path(file).parents[2] for file in hierarchy.create("job", CgroupLimits(), None).entry]
    assert [path for mount in mounts for path in mount.glob(f"executor-{owner}-*")] == []
