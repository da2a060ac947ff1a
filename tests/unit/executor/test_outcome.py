"""Why a job ended, for programs and people."""

from __future__ import annotations

import pytest

from telerun_executor.outcome import cancelled, of_compiler, of_program
from telerun_executor.runners.base import ProcessExit
from telerun_protocol.messages import Limits
from telerun_protocol.states import Reason, State

LIMITS = Limits(
    wall_time_s=1.5,
    cpu_time_s=2,
    memory_bytes=100 << 20,
    output_bytes=1 << 20,
    disk_bytes=3 << 29,
    processes=7,
    compile_time_s=60,
)


def test_success() -> None:
    outcome = of_program(ProcessExit(exit_code=0), LIMITS)
    assert (outcome.state, outcome.reason, outcome.message) == (State.SUCCEEDED, None, "")


@pytest.mark.parametrize(
    ("ended", "reason", "says"),
    [
        (ProcessExit(exit_code=3), Reason.NONZERO_EXIT, "exit code 3"),
        (ProcessExit(exit_code=127), Reason.NONZERO_EXIT, "not found"),
        (ProcessExit(exit_code=139), Reason.NONZERO_EXIT, "SIGSEGV"),
        (ProcessExit(exit_code=200), Reason.NONZERO_EXIT, "exit code 200"),
        (ProcessExit(signal=11), Reason.SIGNAL, "signal 11 (SIGSEGV: invalid memory access)"),
        (ProcessExit(signal=64), Reason.SIGNAL, "signal 64 (SIGRTMAX)"),
        (ProcessExit(signal=63), Reason.SIGNAL, "signal 63 (SIG63)"),
        (ProcessExit(reason=Reason.TIME_LIMIT), Reason.TIME_LIMIT, "(1.5 s)"),
        (ProcessExit(signal=9, reason=Reason.CPU_TIME_LIMIT), Reason.CPU_TIME_LIMIT, "(2 s)"),
        (ProcessExit(signal=9, reason=Reason.MEMORY_LIMIT), Reason.MEMORY_LIMIT, "(100 MiB)"),
        (ProcessExit(exit_code=0, reason=Reason.OUTPUT_LIMIT), Reason.OUTPUT_LIMIT, "(1 MiB)"),
        (ProcessExit(signal=25, reason=Reason.DISK_LIMIT), Reason.DISK_LIMIT, "(1.5 GiB)"),
        (ProcessExit(signal=9, reason=Reason.PROCESS_LIMIT), Reason.PROCESS_LIMIT, "(7)"),
    ],
)
def test_failures_are_one_sentence(ended: ProcessExit, reason: Reason, says: str) -> None:
    outcome = of_program(ended, LIMITS)
    assert (outcome.state, outcome.reason) == (State.FAILED, reason)
    assert says in outcome.message
    assert outcome.message.endswith(".")
    assert "\n" not in outcome.message


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (ProcessExit(exit_code=1), Reason.COMPILE_ERROR),
        (ProcessExit(signal=11), Reason.COMPILE_ERROR),
        (ProcessExit(reason=Reason.COMPILE_TIME_LIMIT), Reason.COMPILE_TIME_LIMIT),
        (ProcessExit(signal=9, reason=Reason.MEMORY_LIMIT), Reason.MEMORY_LIMIT),
    ],
)
def test_failures_of_compilers(ended: ProcessExit, reason: Reason) -> None:
    outcome = of_compiler(ended, LIMITS)
    assert outcome.reason is reason
    assert "compil" in outcome.message


def test_what_was_too_little_can_be_asked_for_as_the_hint_says() -> None:
    for reason in (Reason.CPU_TIME_LIMIT, Reason.OUTPUT_LIMIT, Reason.DISK_LIMIT, Reason.PROCESS_LIMIT):
        hint = of_program(ProcessExit(reason=reason), LIMITS).hint
        assert hint.startswith("Ask for more with --limit "), hint
        assert hint.endswith(".")


def test_cancelled() -> None:
    assert (cancelled().state, cancelled().reason) == (State.CANCELLED, Reason.CANCELLED)
