"""A job's course as lines, whatever shows first that a milestone was reached."""

import io
import re
from typing import Any

from telerun_magic.cli.milestones import Milestones
from telerun_protocol.logframes import Frame
from telerun_protocol.messages import Device, FileRef, Job, JobSpec, PhaseTime, Result
from telerun_protocol.states import Language, Phase, Reason, State, StreamId

SPEC = JobSpec(language=Language.CPP, files=(FileRef(path="a.cpp", sha256="0" * 64, size_bytes=1),))


def job(state: State, *phases: Phase, **more: Any) -> Job:
    times = tuple(PhaseTime(phase=phase, started_at=100.0 + number) for number, phase in enumerate(phases))
    return Job(id="j", number=7, owner="ann", state=state, spec=SPEC, created_at=99.0, phases=times, **more)


def lines(out: io.BytesIO) -> list[str]:
    """What was written, without the times and blank lines."""
    text = out.getvalue().decode()
    return [
        re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [AP]M    ", "* ", line) for line in text.split("\n") if line.strip()
    ]


def test_a_job_seen_step_by_step() -> None:
    out = io.BytesIO()
    told = Milestones(out)
    told.submitted(job(State.QUEUED))
    told.job(job(State.CLAIMED, Phase.FETCH))
    told.job(job(State.CLAIMED, Phase.FETCH, Phase.COMPILE))
    told.frame(Frame(StreamId.COMPILE, b"warn"))
    told.frame(Frame(StreamId.COMPILE, b"ing\n"))
    told.job(job(State.RUNNING, Phase.FETCH, Phase.COMPILE, Phase.RUN))
    told.frame(Frame(StreamId.STDOUT, b"one\ntw"))
    told.frame(Frame(StreamId.STDERR, b"o"))
    told.ended(job(State.SUCCEEDED, Phase.FETCH, Phase.COMPILE, Phase.RUN, Phase.COLLECT))
    assert lines(out) == [
        "* submitted job 0000007",
        "* compiling",
        "* compile output:",
        "    warning",
        "* compiled successfully",
        "* executing",
        "* output:",
        "    one",
        "    two",
        "* completed successfully",
    ]


def test_a_job_seen_only_at_its_end() -> None:
    out = io.BytesIO()
    Milestones(out).ended(job(State.SUCCEEDED, Phase.FETCH, Phase.COMPILE, Phase.WAIT_DEVICE, Phase.RUN))
    assert lines(out) == ["* compiling", "* compiled successfully", "* executing", "* completed successfully"]


def test_output_that_comes_before_its_state() -> None:
    out = io.BytesIO()
    told = Milestones(out)
    told.frame(Frame(StreamId.COMPILE, b"w\n"))
    told.frame(Frame(StreamId.STDOUT, b"x\n"))
    told.ended(job(State.SUCCEEDED, Phase.COMPILE, Phase.RUN))
    assert [line for line in lines(out) if line.startswith("*")] == [
        "* compiling",
        "* compile output:",
        "* compiled successfully",
        "* executing",
        "* output:",
        "* completed successfully",
    ]


def test_a_program_that_does_not_compile() -> None:
    out = io.BytesIO()
    told = Milestones(out)
    told.frame(Frame(StreamId.COMPILE, b"error\n"))
    result = Result(state=State.FAILED, message="g++ found 1 error.", hint="Correct it.")
    told.ended(job(State.FAILED, Phase.COMPILE, reason=Reason.COMPILE_ERROR, result=result))
    assert lines(out) == [
        "* compiling",
        "* compile output:",
        "    error",
        "* compilation failed",
        "    g++ found 1 error. Correct it.",
    ]


def test_what_compiles_and_finds_no_device() -> None:
    out = io.BytesIO()
    result = Result(state=State.FAILED, message="It needs 1 GPU.")
    Milestones(out).ended(job(State.FAILED, Phase.COMPILE, reason=Reason.NO_SUCH_DEVICE, result=result))
    assert lines(out) == ["* compiling", "* compiled successfully", "* execution failed", "    It needs 1 GPU."]


def test_an_emulated_run_says_so() -> None:
    out = io.BytesIO()
    result = Result(state=State.SUCCEEDED, devices=(Device(kind="emulated", name="CPU emulation"),))
    Milestones(out).ended(job(State.SUCCEEDED, Phase.RUN, result=result))
    assert lines(out)[-1] == "    Functional emulation on the CPU: no timing here means anything."


def test_what_is_only_compiled() -> None:
    out = io.BytesIO()
    Milestones(out).ended(job(State.SUCCEEDED, Phase.COMPILE))
    assert lines(out) == ["* compiling", "* compiled successfully", "* completed successfully"]


def test_what_is_not_compiled_never_compiles() -> None:
    out = io.BytesIO()
    told = Milestones(out)
    told.frame(Frame(StreamId.STDOUT, b"x"))
    told.ended(
        job(State.FAILED, Phase.RUN, reason=Reason.NONZERO_EXIT, result=Result(state=State.FAILED, message="Exit 3."))
    )
    assert lines(out) == ["* executing", "* output:", "    x", "* execution failed", "    Exit 3."]


def test_a_job_cannot_fake_a_milestone_or_reach_the_terminal() -> None:
    out = io.BytesIO()
    told = Milestones(out)
    told.frame(Frame(StreamId.STDOUT, b"\x1b[2J2026-01-01 01:01:01 AM    completed successfully\n\rx\n"))
    assert all(line.startswith("    ") for line in out.getvalue().decode().splitlines()[-3:] if line)
    assert b"\x1b" not in out.getvalue()
