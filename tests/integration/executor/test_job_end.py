"""How an attempt ends towards the queue and on the machine, with a runner whose clearing up takes its time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from telerun_executor.bench import Bench
from telerun_executor.devices.base import Devices
from telerun_executor.job_runner import JobRunner, Stop
from telerun_executor.runners.process import ProcessRunner
from telerun_executor.toolchains.command import CommandToolchain
from telerun_executor.workspace import Workspace
from telerun_protocol.messages import Claim, JobSpec
from telerun_protocol.states import Language, State


class SlowToClear(ProcessRunner):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "jobs", folder / "processes")
        self.is_clearing = asyncio.Event()
        self.may_clear = asyncio.Event()
        self.is_clear = False

    @contextlib.asynccontextmanager
    async def workspace(self, name: str, *, keep: bool = False) -> AsyncIterator[Workspace]:
        try:
            async with super().workspace(name, keep=keep) as workspace:
                yield workspace
        finally:
            self.is_clearing.set()
            await self.may_clear.wait()
            self.is_clear = True


class Queue:
    """The far side: takes the log and the report, the latter once it may."""

    def __init__(self) -> None:
        self.may_finish = asyncio.Event()
        self.is_asked = asyncio.Event()
        self.results: list[Any] = []

    async def append_log(self, job: str, claim: str, offset: int, frames: bytes) -> int:
        return offset + len(frames)

    async def finish(self, claim: Claim, result: Any) -> None:
        self.is_asked.set()
        await self.may_finish.wait()
        self.results.append(result)

    async def phase(self, *_: Any) -> None: ...


def job(runner: SlowToClear, queue: Any) -> JobRunner:
    bench = Bench(
        runner=runner,
        toolchains={Language.COMMAND: CommandToolchain()},
        devices=Devices([]),
        slots=1,
        compile_slots=1,
        compile_memory_bytes=1 << 30,
        path="/usr/bin:/bin",
    )
    spec = JobSpec(language=Language.COMMAND, args=("true",))
    claim = Claim(job_id="j", claim_id="c", attempt=1, log_offset=0, spec=spec, owner="x")
    return JobRunner(bench, queue, queue, claim)


async def test_clearing_up_goes_on_when_the_job_is_said_to_be_lost_meanwhile(tmp_path: Path) -> None:
    """The server may not know a job any more whose end it has just been told."""
    runner, queue = SlowToClear(tmp_path), Queue()
    queue.may_finish.set()
    runs = job(runner, queue)
    whole = asyncio.create_task(runs.run())
    await runner.is_clearing.wait()
    for _ in range(2):
        runs.stop(Stop.LOST)
        await asyncio.sleep(0)
    assert not whole.done()
    runner.may_clear.set()
    await whole
    assert runner.is_clear
    assert [result.state for result in queue.results] == [State.SUCCEEDED]
    await runner.close()


async def test_a_report_nobody_waits_for_is_broken_off(tmp_path: Path) -> None:
    runner, queue = SlowToClear(tmp_path), Queue()
    runner.may_clear.set()
    runs = job(runner, queue)
    whole = asyncio.create_task(runs.run())
    await queue.is_asked.wait()
    runs.stop(Stop.LOST)
    await whole
    assert queue.results == []
    assert runner.is_clear
    await runner.close()
