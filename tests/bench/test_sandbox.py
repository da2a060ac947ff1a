"""What the sandbox costs: everything around one program, against starting it as a plain process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from telerun_executor.runners.base import Command, Runner, Terms
from telerun_executor.runners.process import ProcessRunner
from telerun_executor.runners.sandbox import storage
from telerun_executor.runners.sandbox.capabilities import detect, level
from telerun_executor.runners.sandbox.cgroups.find import find
from telerun_executor.runners.sandbox.runner import Host, SandboxRunner
from telerun_executor.runners.sandbox.settings import SandboxSettings
from telerun_protocol.messages import Limits

ROUNDS = 100
LIMITS = Limits(memory_bytes=256 << 20, disk_bytes=64 << 20, processes=64, cpu_time_s=10)


async def ignore(stream: int, data: bytes) -> None:
    pass


async def timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


@pytest.mark.bench
async def test_the_cost_of_a_box(tmp_path: Path) -> None:
    """Workspace, file systems, cgroup, bubblewrap, the program `true`, usage, and all of it taken down again."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    storage.enter_private_namespace()
    found = find("bench")
    capabilities = detect(found)
    isolation, mode = level(capabilities)
    if mode is None or capabilities.bwrap is None:
        pytest.skip(f"this machine isolates to the level {isolation}")
    host = Host(isolation=isolation, mode=mode, bwrap=capabilities.bwrap, hierarchy=found[0])
    sandbox = SandboxRunner(
        host, tmp_path / "s" / "jobs", tmp_path / "s" / "processes", settings=SandboxSettings(),
        visible=[Path(sys.base_prefix), Path(sys.prefix)],
    )  # fmt: skip
    plain = ProcessRunner(tmp_path / "p" / "jobs", tmp_path / "p" / "processes")

    async def in_a(runner: Runner) -> None:
        async with runner.workspace("job") as workspace, runner.open(workspace, LIMITS, Terms()) as box:
            assert (await box.run(Command(argv=("true",), cwd=workspace.work, env={"PATH": "/usr/bin"}), ignore)).ok

    async def subprocess_alone() -> None:
        subprocess.run(["/usr/bin/true"], check=True)

    ways = {"subprocess": subprocess_alone, "plain runner": lambda: in_a(plain), "sandbox": lambda: in_a(sandbox)}
    await sandbox.start(2)
    await plain.start(2)
    try:
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                times[name].append(await timed(way))
    finally:
        await sandbox.close()
        await plain.close()
    medians = {name: statistics.median(of) for name, of in times.items()}
    for name, of in times.items():
        print(f"{name:14} median {medians[name]:6.2f} ms, p95 {statistics.quantiles(of, n=20)[-1]:6.2f} ms")
    over = medians["sandbox"] - medians["subprocess"]
    print(f"a box ({isolation}, {mode.value}) costs {over:.2f} ms over a plain subprocess (goal: below 10)")
