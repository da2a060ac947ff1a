"""Jobs gathered for display, and the screens that show them in a notebook."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from telerun_magic.job_handle import Job
from telerun_magic.live import Terminal, write
from telerun_magic.options import Presentation
from telerun_magic.render import files, job_display
from telerun_magic.render.blocks import Tone, line
from telerun_magic.render.bundle import bundle as mime_bundle
from telerun_magic.render.job_display import JobDisplay
from telerun_magic.render.plain import to_text
from telerun_protocol.errors import TelerunError
from telerun_protocol.messages import Job as JobInfo
from telerun_protocol.states import StreamId

TEXT_BYTES = 64_000  # of a stream, kept for a display


def gather(
    job: Job, how: Presentation | None = None, *, with_output: bool, saved_to: Path | None = None, notice: str = ""
) -> JobDisplay:
    """What there is to show now; fetches pictures, tables and assembly of a job that has ended.

    `notice` is what else a person should know.
    """
    how = how or Presentation()
    feed = job.feed
    info = feed.info
    ended = info.state.is_final
    if ended or with_output:
        job.read()
    notices = [f"{notice}\n"] if notice else []
    previews: dict[str, bytes] = {}
    listing = None
    if ended:
        try:
            if "files" not in how.hidden:
                previews = {artifact.path: job.download(artifact.path) for artifact in files.to_preview(job.artifacts)}
            if "asm" not in how.hidden:
                listing = job.asm
        except TelerunError as error:  # the job's end is told in any case
            notices.append(f"Some of its files cannot be shown: {error}\n")
    return JobDisplay(
        job=info,
        now=time.time() + feed.clock_ahead_s,
        source=_source(job),
        line_offset=job.line_offset,
        hidden=how.hidden,
        trouble=feed.session.trouble_since(feed.heard_at),
        system=_text(job, StreamId.SYSTEM) + "".join(notices),
        compile_log=_text(job, StreamId.COMPILE) if ended else "",
        with_output=with_output,
        output={"stdout": _text(job, StreamId.STDOUT), "stderr": _text(job, StreamId.STDERR)} if with_output else {},
        previews=previews,
        listing=listing,
        saved_to=str(saved_to) if saved_to else None,
    )


def _source(job: Job) -> str | None:
    """The text of the main file, where messages point into it."""
    if job.source is None and job.info.result and job.info.result.diagnostics:
        job.source = job.fetch_source()
    return job.source


def _text(job: Job, stream: int) -> str:
    """The end of a stream, decoded."""
    pieces: list[bytes] = []
    size = 0
    for payload in reversed(job.feed.payloads[stream]):
        pieces.append(payload)
        size += len(payload)
        if size > TEXT_BYTES:
            break
    return b"".join(reversed(pieces)).decode("utf-8", "replace")


def bundle(job: Job) -> dict[str, Any]:
    """A job as the value of a cell: where it stands, with what it printed."""
    try:
        view = gather(job, with_output=True)
    except TelerunError as error:
        return mime_bundle([line(repr(job)), line(f"Telerun: {error}", Tone.BAD)], job.info)
    return mime_bundle(job_display.blocks(view), view.job)


def list_bundle(jobs: Sequence[JobInfo]) -> dict[str, Any]:
    return mime_bundle(job_display.table(jobs, time.time()))


class Notebook:
    """A cell's output: streams, and one display that is replaced as the job goes on."""

    limited = True
    _with_output = False

    def __init__(self, shell: InteractiveShell, how: Presentation) -> None:
        self._shell = shell
        self._how = how
        self._is_there = False
        self._saved_to: Path | None = None
        self._notice = ""

    def write(self, stream: str, text: str) -> None:
        write(stream, text)

    def update(self, job: Job) -> None:
        if not job.feed.is_final:  # the end is shown once, complete
            self._publish(job)

    def finish(self, job: Job) -> None:
        try:
            self._saved_to = save(job, self._how)
        finally:  # how it ended is shown, whether its files could be saved or not
            self._publish(job)

    def _publish(self, job: Job) -> None:
        view = gather(job, self._how, with_output=self._with_output, saved_to=self._saved_to, notice=self._notice)
        publish(self._shell, job, view, update=self._is_there)
        self._is_there = True


class LeftBehind(Notebook):
    """The output of a cell that has returned: its display holds what the job prints, too."""

    _with_output = True

    def write(self, stream: str, text: str) -> None:
        return

    def finish(self, job: Job) -> None:
        """No error reaches anybody here: what could not be saved is told in the display."""
        try:
            super().finish(job)
        except TelerunError as error:
            self._notice = str(error)
            self._publish(job)

    def show_again(self, job: Job) -> None:
        """The end, once more."""
        self._publish(job)


class OutputOnly:
    """A job's streams, and nothing else."""

    def __init__(self, *, limited: bool) -> None:
        self.limited = limited

    def write(self, stream: str, text: str) -> None:
        write(stream, text)

    def update(self, job: Job) -> None:
        return

    def finish(self, job: Job) -> None:
        return


def publish(shell: InteractiveShell, job: Job, view: JobDisplay, *, update: bool) -> None:
    """Shows a job, or shows it anew in every place where it was shown before.

    What holds the output too is another display than what stands under the output of a cell.
    """
    data = mime_bundle(job_display.blocks(view), view.job)
    display_id = f"telerun-{job.id}-output" if view.with_output else f"telerun-{job.id}"
    shell.display_pub.publish(data=data, metadata={}, transient={"display_id": display_id}, update=update)


def save(job: Job, how: Presentation) -> Path | None:
    """Writes the job's files where `--out` asked for them."""
    return how.out if how.out and job.save(how.out) else None


def terminal(how: Presentation) -> Terminal:
    """A screen for IPython without a notebook: prints, and everything at the end."""

    def end(job: Job) -> str:
        saved_to = save(job, how)
        view = gather(job, how, with_output=False, saved_to=saved_to)
        return to_text(job_display.blocks(view), full=True)

    return Terminal(end)
