"""A job's course as lines: a time and what happened, with the logs indented under them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from telerun_magic.cli.terminal import Filter, clean
from telerun_protocol.logframes import Frame
from telerun_protocol.messages import EMULATION_NOTE, Job
from telerun_protocol.states import Phase, Reason, State, StreamId

INDENT = "    "
COMPILE_REASONS = (Reason.COMPILE_ERROR, Reason.COMPILE_TIME_LIMIT)


class Milestones:
    """Each milestone is told once and in order, whether states or log frames show first that it was reached."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._told: set[str] = set()
        self._times: dict[Phase, float] = {}  # of a job that has ended
        self._compiles = False
        self._section: str | None = None
        self._filter = Filter()
        self._at_line_start = True

    @property
    def is_executing(self) -> bool:
        """Whether the program was seen to run, be it by what it printed."""
        return "executing" in self._told

    def submitted(self, job: Job) -> None:
        self._say(f"submitted job {job.number:07}", job.created_at)

    def job(self, job: Job) -> None:
        """A newer state of the job."""
        times = {phase.phase: phase.started_at for phase in job.phases}
        if job.state.is_final:
            self._times = times
        if Phase.COMPILE in times:
            self._compiles = True
            self._once("compiling", times[Phase.COMPILE])
        compiled_at = min((at for phase, at in times.items() if phase in (Phase.WAIT_DEVICE, Phase.RUN)), default=None)
        not_to_run = job.state is State.SUCCEEDED or job.reason is Reason.NO_SUCH_DEVICE
        if not _failed_to_compile(job) and (compiled_at or not_to_run):
            self._compiled(compiled_at or job.finished_at)
        if Phase.RUN in times:
            self._once("executing", times[Phase.RUN])

    def frame(self, frame: Frame) -> None:
        """A piece of the log, shown as it comes."""
        if frame.stream == StreamId.COMPILE:
            if "executing" not in self._told:  # assembly may still be made while the program runs
                self._compiles = True
                self._once("compiling")
            self._open("compile output:", Phase.COMPILE)
        elif frame.stream in (StreamId.STDOUT, StreamId.STDERR):
            self._compiled()
            self._once("executing")
            self._open("output:", Phase.RUN)
        elif self._section is None:
            self._open("telerun says:", Phase.FETCH)
        self._indented(self._filter.feed(frame.payload))

    def ended(self, job: Job, *, saved_in: Path | None = None) -> None:
        """The last lines: how it ended and why, and where its files are."""
        self.job(job)
        if job.state is State.SUCCEEDED:
            self._say("completed successfully", job.finished_at)
        elif job.state is State.CANCELLED:
            self._say("cancelled job", job.finished_at)
        else:
            self._say("compilation failed" if _failed_to_compile(job) else "execution failed", job.finished_at)
            if job.result:
                self._plain(clean(f"{job.result.message} {job.result.hint}"))
        if job.result and job.result.emulated:
            self._plain(EMULATION_NOTE)
        if saved_in:
            self._plain(f"Its files are in {clean(str(saved_in))}.")

    def say(self, text: str) -> None:
        """A milestone of the client's own, such as that it detached."""
        self._say(text)

    def _compiled(self, at: float | None = None) -> None:
        if self._compiles:
            self._once("compiled successfully", at)

    def _once(self, what: str, at: float | None = None) -> None:
        if what not in self._told:
            self._told.add(what)
            self._say(what, at)

    def _open(self, section: str, phase: Phase) -> None:
        """Now, as it comes; of a job that had ended before, when it began."""
        if self._section != section:
            self._say(section, self._times.get(phase))
            self._section = section

    def _say(self, text: str, at: float | None = None) -> None:
        self._close()
        moment = datetime.now().astimezone() if at is None else datetime.fromtimestamp(at).astimezone()
        self._write(f"{moment:%Y-%m-%d %I:%M:%S %p}    {text}\n\n")

    def _plain(self, text: str) -> None:
        if text:
            self._write(f"{INDENT}{text}\n\n")

    def _close(self) -> None:
        """Ends an open section: its last line, its colours, a blank line."""
        if self._section is not None:
            self._indented(self._filter.close())
            self._filter = Filter()
            self._write("\n" if self._at_line_start else "\n\n")
            self._section, self._at_line_start = None, True

    def _indented(self, text: str) -> None:
        shown = []
        for line in text.splitlines(keepends=True):
            if self._at_line_start:
                shown.append(INDENT)
            shown.append(line)
            self._at_line_start = line[-1] in "\n\r"
        self._write("".join(shown))

    def _write(self, text: str) -> None:
        self._out.write(text.encode(errors="replace"))
        self._out.flush()


def _failed_to_compile(job: Job) -> bool:
    return job.reason in COMPILE_REASONS
