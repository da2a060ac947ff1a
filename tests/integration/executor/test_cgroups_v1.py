"""What holds of version 1 alone."""

from __future__ import annotations

import asyncio
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from telerun_executor.runners.sandbox.cgroups.base import CgroupLimits, Hierarchy, JobCgroup
from telerun_executor.runners.sandbox.cgroups.find import find, parse_mounts
from telerun_executor.runners.sandbox.cgroups.v1 import CONTROLLERS, UNIFIED, V1Hierarchy
from telerun_protocol.errors import SandboxError

MOUNTS = list(parse_mounts(Path("/proc/self/mountinfo").read_text()))
V1 = {name: mount.path for mount in MOUNTS for name in mount.controllers if name in CONTROLLERS}
CGROUP2 = [mount.path for mount in MOUNTS if mount.version == 2]


@pytest.fixture(params=["hybrid", "without cgroup2", "without cgroup2 and freezer"])
def hierarchy(request: pytest.FixtureRequest) -> Iterator[Hierarchy]:
    found, reasons = find(f"test-{uuid.uuid4().hex[:8]}")
    if found is None:
        pytest.skip("no cgroups can be used here: " + "; ".join(reasons))
    with closing(found):
        if found.version != "v1":
            pytest.skip("cgroups are of version 2 here")
    mounts = dict(V1)
    if request.param == "hybrid":
        if not CGROUP2:
            pytest.skip("there is no cgroup2 beside version 1 here")
        mounts[UNIFIED] = CGROUP2[0]
    if "freezer" in request.param:
        mounts.pop("freezer", None)
    with closing(V1Hierarchy(f"test-{uuid.uuid4().hex[:8]}", mounts)) as made:
        assert made.can_kill is (request.param == "hybrid")
        yield made
        made.sweep()


async def start(job: JobCgroup, script: str, processes: int) -> subprocess.Popen[bytes]:
    enter = "".join(f"echo 0 > {file}; " for file in job.entry)
    process = subprocess.Popen(["sh", "-c", enter + script])
    async with asyncio.timeout(20):
        while job.usage().processes < processes:
            await asyncio.sleep(0.005)
    return process


async def test_a_tree_that_goes_on_growing_is_ended(hierarchy: Hierarchy) -> None:
    """Children that replace each other faster than they can be counted, no more than 12 at a time."""
    job = hierarchy.create("job", CgroupLimits(processes=12, memory_bytes=64 << 20), None)
    again = "trap '' TERM HUP; while :; do (sleep 0.001; sleep 0.001) & sleep 0.002; done"
    stays = "while :; do sleep 60; done"  # it does not end by itself when the others are gone first
    process = await start(job, f'for n in 1 2 3; do setsid sh -c "{again}" 2>/dev/null & done; {stays}', 8)
    assert await job.kill()
    await job.remove()
    assert process.wait() == -9


def freezer(job: JobCgroup) -> Path:
    for file in job.entry:
        if (path := Path(file).with_name("freezer.state")).exists():
            return path
    pytest.skip("it has no freezer")


async def test_a_frozen_job_is_ended(hierarchy: Hierarchy) -> None:
    job = hierarchy.create("job", CgroupLimits(), None)
    state = freezer(job)
    process = await start(job, "sleep 60; sleep 60", 2)
    state.write_text("FROZEN")
    assert await job.kill()
    await job.remove()
    assert process.wait() == -9


async def test_what_cannot_be_ended_is_told(hierarchy: Hierarchy) -> None:
    """Frozen from above, where `kill` has no say: as unkillable as a process that a driver holds."""
    job = hierarchy.create("job", CgroupLimits(), None)
    above = freezer(job).parent.with_name("freezer.state")
    process = await start(job, "sleep 60; sleep 60", 2)
    above.write_text("FROZEN")
    try:
        assert not await job.kill(timeout_s=0.2)
        with pytest.raises(SandboxError, match="still alive"):
            await job.remove()
    finally:
        above.write_text("THAWED")
    assert await job.kill()
    await job.remove()
    assert process.wait() == -9
