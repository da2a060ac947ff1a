"""The work of one attempt, with the real runner and a toolchain of the test's own."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from telerun_executor.attempt import Attempt
from telerun_executor.bench import Bench
from telerun_executor.devices.base import Devices
from telerun_executor.outcome import Outcome
from telerun_executor.runners.base import Command
from telerun_executor.runners.process import ProcessRunner
from telerun_executor.toolchains.base import Assembly
from telerun_executor.toolchains.command import CommandToolchain
from telerun_executor.workspace import Workspace
from telerun_protocol.messages import Claim, Device, JobSpec, Limits
from telerun_protocol.states import Language, Phase, Reason, State


class Compiled(CommandToolchain):
    """Commands that are compiled first, by a command too."""

    compiler: tuple[str, ...] = ("true",)

    def build_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        return (Command(argv=self.compiler, cwd=workspace.src),)


class BadReader(Compiled):
    def read_assembly(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str], compile_log: bytes) -> Assembly:
        raise IndexError("what no reader should do")


class BadAssembler(Compiled):
    def asm_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        return (Command(argv=("sh", "-c", "echo not today; exit 1"), cwd=workspace.src),)


async def no_blob(sha256: str) -> AsyncIterator[bytes]:
    """These jobs have no files."""
    raise NotImplementedError(sha256)
    yield b""


class Tried:
    """One attempt, with what it printed and told."""

    def __init__(self, bench: Bench, spec: JobSpec, root: Path) -> None:
        self.output: dict[int, bytes] = {}
        self.phases: list[Phase] = []
        workspace = Workspace(root)
        workspace.create()
        claim = Claim(job_id="j", claim_id="c", attempt=1, log_offset=0, spec=spec, owner="x")
        self._attempt = Attempt(
            bench, claim, workspace, enter=self.phases.append, write=self._write, download=no_blob, upload=self._upload
        )
        self.findings = self._attempt.findings
        self.outcome = self._attempt.outcome

    async def _write(self, stream: int, data: bytes) -> None:
        self.output[stream] = self.output.get(stream, b"") + data

    async def _upload(self, content: Path | bytes) -> str:
        return "0" * 64


Attempts = Callable[..., Tried]


@pytest.fixture
async def attempt(tmp_path: Path) -> AsyncIterator[Attempts]:
    gpu = Device(kind="nvidia", name="One", id="GPU-1", arch="sm_90")
    runner = ProcessRunner(tmp_path / "jobs", tmp_path / "processes")
    numbers = itertools.count()
    bench = Bench(
        runner=runner,
        toolchains={Language.COMMAND: Compiled()},
        devices=Devices([gpu]),
        slots=1,
        compile_slots=1,
        compile_memory_bytes=1 << 30,
        path="/usr/bin:/bin",
        executor="test",
    )

    def make(*argv: str, toolchain: Compiled | None = None, limits: Limits | None = None, gpus: int = 0) -> Tried:
        spec = JobSpec(language=Language.COMMAND, args=argv, limits=limits or Limits(), gpus=gpus, asm=True)
        own = dataclasses.replace(bench, toolchains={Language.COMMAND: toolchain}) if toolchain else bench
        return Tried(own, spec, tmp_path / f"job{next(numbers)}")

    yield make
    await runner.close()


async def test_a_fault_in_reading_assembly_is_a_note(attempt: Attempts) -> None:
    work = attempt("echo", "ran", toolchain=BadReader())
    assert (await work.outcome()).state is State.SUCCEEDED
    assert work.output == {1: b"ran\n"}
    assert "what no reader should do" in work.findings.notes[0]


async def test_an_assembly_command_that_fails_is_a_note(attempt: Attempts) -> None:
    work = attempt("echo", "ran", toolchain=BadAssembler())
    assert (await work.outcome()).state is State.SUCCEEDED
    assert work.findings.notes == ["An assembly view is missing: sh said: not today"]


async def test_a_job_compiles_while_another_runs(attempt: Attempts, tmp_path: Path) -> None:
    """Compile slots are apart from run slots; the second job then waits for its turn, and says so."""
    gate = tmp_path / "gate"
    first = attempt("sh", "-c", f"until [ -e {gate} ]; do sleep 0.02; done")
    second = attempt("echo", "second")
    tasks = [asyncio.ensure_future(one.outcome()) for one in (first, second)]
    async with asyncio.timeout(60):
        while Phase.WAIT_DEVICE not in first.phases + second.phases:
            await asyncio.sleep(0.01)
    gate.touch()
    outcomes: list[Outcome] = await asyncio.gather(*tasks)
    assert [outcome.state for outcome in outcomes] == [State.SUCCEEDED] * 2
    waited, went = (second, first) if Phase.WAIT_DEVICE in second.phases else (first, second)
    assert waited.phases == [Phase.FETCH, Phase.COMPILE, Phase.WAIT_DEVICE, Phase.RUN]
    assert went.phases == [Phase.FETCH, Phase.COMPILE, Phase.RUN]


async def test_a_leased_device_is_the_one_the_program_sees(attempt: Attempts) -> None:
    work = attempt("printenv", "CUDA_VISIBLE_DEVICES", gpus=1)
    await work.outcome()
    assert work.output == {1: b"GPU-1\n"}
    assert [device.id for device in work.findings.devices] == ["GPU-1"]
    work = attempt("true", gpus=2)
    assert (await work.outcome()).reason is Reason.NO_SUCH_DEVICE


async def test_a_cancelled_attempt_gives_its_device_back(attempt: Attempts) -> None:
    task = asyncio.ensure_future(attempt("sleep", "600", gpus=1).outcome())
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await attempt("true", gpus=1).outcome()).state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("ending", "limits"),
    [("sleep 600", Limits(wall_time_s=0.7)), ("yes; sleep 600", Limits(output_bytes=100_000))],
    ids=["time", "output"],
)
async def test_what_was_used_before_a_limit_is_told(attempt: Attempts, ending: str, limits: Limits) -> None:
    work = attempt("bash", "-c", f"for i in {{1..50000}}; do :; done; {ending}", limits=limits)
    assert (await work.outcome()).state is State.FAILED
    step = work.findings.steps[-1]
    assert step.phase is Phase.RUN
    assert step.cpu_time_s > 0
    assert step.peak_memory_bytes > 1 << 20


async def test_time_and_output_limits_side_by_side(attempt: Attempts) -> None:
    """A program that floods while it is being ended for its time is ended for what it did first or last: but once."""
    source = "trap 'while :; do echo flood; done' TERM; while :; do sleep 0.01; done"
    work = attempt("bash", "-c", source, limits=Limits(wall_time_s=0.3, output_bytes=1000))
    outcome = await work.outcome()
    assert outcome.reason in (Reason.TIME_LIMIT, Reason.OUTPUT_LIMIT)
    kept = sum(map(len, work.output.values()))  # bash may say "Terminated" on its other stream
    assert kept <= 1000
    assert work.findings.output_bytes - work.findings.output_cut_bytes == kept
