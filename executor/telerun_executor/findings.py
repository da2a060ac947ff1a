"""What there is to tell of an attempt at a job."""

from __future__ import annotations

from dataclasses import dataclass, field

from telerun_executor.runners.base import Command, ProcessExit
from telerun_protocol.messages import Artifact, Device, DeviceUse, KernelResources, Step, Usage
from telerun_protocol.states import Phase

SHOWN_ARGV_CHARACTERS = 20_000


@dataclass(slots=True)
class Findings:
    """What there is to tell of an attempt, complete at every moment: it may be broken off."""

    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    kernels: tuple[KernelResources, ...] = ()
    devices: tuple[Device, ...] = ()
    device_use: tuple[DeviceUse, ...] = ()
    compile_log: bytearray = field(default_factory=bytearray)  # and what the emulation of a GPU reported
    output_bytes: int = 0
    output_cut_bytes: int = 0
    has_run: bool = False  # the program has been started
    usage: Usage | None = None  # of the program
    environment: dict[str, str] = field(default_factory=dict)  # of the program
    processes_refused: int = 0  # to the program

    def note_step(self, phase: Phase, command: Command, exit_: ProcessExit, took_s: float) -> None:
        """One command that was run, or broken off after so long."""
        self.steps.append(
            Step(
                phase=phase,
                argv=_shown(command.argv),
                wall_time_s=exit_.wall_time_s or took_s,
                cpu_time_s=exit_.cpu_time_s,
                peak_memory_bytes=exit_.peak_memory_bytes,
                exit_code=exit_.exit_code,
                signal=exit_.signal,
            )
        )
        if phase is Phase.RUN:
            used = Usage(cpu_time_s=exit_.cpu_time_s, peak_memory_bytes=exit_.peak_memory_bytes)
            self.usage, self.processes_refused = exit_.usage or used, exit_.processes_refused


def _shown(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The argv to tell; of a very long one the beginning, for a result has to stay a message."""
    if sum(map(len, argv)) <= SHOWN_ARGV_CHARACTERS:
        return argv
    left, shown = SHOWN_ARGV_CHARACTERS, []
    for argument in argv:
        shown.append(argument[:left])
        left -= len(argument)
        if left <= 0:
            break
    return (*shown, f"… ({len(argv)} arguments in all)")
