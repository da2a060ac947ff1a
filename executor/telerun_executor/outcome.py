"""Why a job ended as it did, in a word for programs and in a sentence for people."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telerun_executor.runners.base import ProcessExit
from telerun_protocol.limits import OPTIONS, show_limit
from telerun_protocol.messages import EMULATED, Device, JobSpec, Limits
from telerun_protocol.states import Reason, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ended. `exit` is the last command's end, where one was run."""

    state: State
    reason: Reason | None = None
    message: str = ""
    hint: str = ""
    exit: ProcessExit | None = None

    @property
    def signal_name(self) -> str | None:
        return name_of(self.exit.signal) if self.exit and self.exit.signal else None


def succeeded(exit_: ProcessExit | None = None) -> Outcome:
    return Outcome(state=State.SUCCEEDED, exit=exit_)


def cancelled(exit_: ProcessExit | None = None) -> Outcome:
    return Outcome(state=State.CANCELLED, reason=Reason.CANCELLED, message="The job was cancelled.", exit=exit_)


def failed(reason: Reason, message: str, hint: str | None = "", exit_: ProcessExit | None = None) -> Outcome:
    return Outcome(state=State.FAILED, reason=reason, message=message, hint=hint or "", exit=exit_)


def of_program(exit_: ProcessExit, limits: Limits) -> Outcome:
    """The order matters: what we ended, what the kernel's limits ended, a signal, an exit code."""
    if exit_.reason:
        return of_limit(exit_.reason, limits, exit_)
    if exit_.signal:
        message, hint = _of_signal(exit_.signal)
        return failed(Reason.SIGNAL, message, hint, exit_)
    if exit_.exit_code:
        message, hint = _of_exit_code(exit_.exit_code)
        return failed(Reason.NONZERO_EXIT, message, hint, exit_)
    return succeeded(exit_)


def of_compiler(exit_: ProcessExit, limits: Limits) -> Outcome:
    """A compile command that did not succeed."""
    if exit_.reason is Reason.COMPILE_TIME_LIMIT:
        return of_limit(exit_.reason, limits, exit_)
    if exit_.reason:
        return failed(
            exit_.reason, f"The compiler was ended: {_LIMITS[exit_.reason][0]}.", "Compile less at once.", exit_
        )
    if exit_.signal:
        return failed(
            Reason.COMPILE_ERROR,
            f"The compiler was ended by signal {exit_.signal} ({name_of(exit_.signal)}).",
            "Compile less at once, or with fewer optimizations.",
            exit_,
        )
    return failed(
        Reason.COMPILE_ERROR,
        f"The program does not compile (exit code {exit_.exit_code}).",
        "The compiler's messages say where.",
        exit_,
    )


def of_limit(reason: Reason, limits: Limits, exit_: ProcessExit) -> Outcome:
    if reason is Reason.DISK_LIMIT and exit_.files_ran_out:
        hint = "Make fewer at a time, or put them into one archive."
        return failed(reason, "The job was ended: it made more files and folders than it may.", hint, exit_)
    what, name = _LIMITS[reason]
    value = getattr(limits, name)
    hint = f"Ask for more with {OPTIONS[name]}, up to the server's maximum."
    if reason is Reason.OUTPUT_LIMIT:
        hint += " Or write to a file in out/."
    return failed(reason, f"The job was ended: {what}{f' ({show_limit(name, value)})' if value else ''}.", hint, exit_)


_LIMITS: Mapping[Reason, tuple[str, str]] = {
    Reason.TIME_LIMIT: ("it ran longer than its time limit", "wall_time_s"),
    Reason.COMPILE_TIME_LIMIT: ("compiling took longer than its time limit", "compile_time_s"),
    Reason.CPU_TIME_LIMIT: ("it used more CPU time than its limit", "cpu_time_s"),
    Reason.MEMORY_LIMIT: ("it used more memory than its limit", "memory_bytes"),
    Reason.OUTPUT_LIMIT: ("it printed more than its output limit", "output_bytes"),
    Reason.DISK_LIMIT: ("it wrote more to disk than its limit", "disk_bytes"),
    Reason.PROCESS_LIMIT: ("it started more processes than its limit", "processes"),
}
"""What happened, and the field of `Limits`."""


_SIGNALS: Mapping[int, tuple[str, str]] = {
    signal.SIGSEGV: (
        "invalid memory access",
        "Look for an index or pointer that is out of bounds; -g -fsanitize=address among the flags finds the line.",
    ),
    signal.SIGABRT: ("it aborted itself", "An assertion, an uncaught exception or a failed allocation does that."),
    signal.SIGFPE: ("arithmetic error", "An integer division by zero does that."),
    signal.SIGBUS: ("invalid memory access", "Look for a misaligned pointer or a mapped file that became shorter."),
    signal.SIGILL: (
        "invalid instruction",
        "Compilers put one where a program is certain to go wrong: a division by 0, a function without its return. "
        "Or it was built for another processor, with -march=native.",
    ),
    signal.SIGKILL: ("killed", "If it did not do that itself, the machine was out of memory."),
    signal.SIGTERM: ("asked to end", ""),
    signal.SIGPIPE: ("it wrote to a pipe that nobody reads", ""),
}


def no_such_device(spec: JobSpec, present: Sequence[Device], executor: str, *, compiled: bool) -> Outcome:
    """The program needs devices that this executor does not have."""
    was = "was compiled but not run" if compiled else "was not run"
    asked = (f"called {spec.device!r}" if spec.device else "", f"with {', '.join(spec.labels)}" if spec.labels else "")
    wanted = " ".join((f"{spec.gpus_wanted} GPU{'s' if spec.gpus_wanted > 1 else ''}", *filter(None, asked)))
    names = Counter(device.name for device in present)
    has = ", ".join(f"{count} × {name}" if count > 1 else name for name, count in names.items()) or "none"
    if any(device.kind == EMULATED for device in present):
        hint = "--emulate runs it on the CPU, emulated: a functional emulation, no timing of which means anything."
    else:
        hint = "Start an executor on a machine with an NVIDIA GPU (`telerun-executor run`)."
    hint += " What needs no GPU asks for none: --gpus 0, in a terminal before the file's name."
    return failed(
        Reason.NO_SUCH_DEVICE, f"The program {was}: it needs {wanted}, and the executor {executor} has {has}.", hint
    )


def name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def _of_signal(number: int) -> tuple[str, str]:
    what, hint = _SIGNALS.get(number, ("", ""))
    return f"The program was ended by signal {number} ({name_of(number)}{f': {what}' if what else ''}).", hint


def _of_exit_code(code: int) -> tuple[str, str]:
    if code in (126, 127):
        return (
            f"The program could not be started, or a command it started was not found (exit code {code}).",
            "Check the name and that it is executable.",
        )
    if code > 128 and (what := _SIGNALS.get(code - 128)):
        name = name_of(code - 128)
        return f"The program ended with exit code {code}: something it ran was ended by {name} ({what[0]}).", what[1]
    return f"The program ended with exit code {code}.", ""
