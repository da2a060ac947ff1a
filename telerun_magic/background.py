"""Jobs of cells that did not wait: shown as they go on, and shown again by a later cell once they have ended.

A notebook that is executed without a front end keeps nothing that arrives after its cell: an update of the same
display from a later cell is what repairs it.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass

from telerun_magic import show
from telerun_magic.job_handle import Job
from telerun_magic.live import Watch
from telerun_magic.options import Presentation
from telerun_protocol.errors import TelerunError

LAST_WORDS_S = 5.0


@dataclass(frozen=True, slots=True)
class _Entry:
    job: Job
    screen: show.LeftBehind | None
    thread: threading.Thread


class Background:
    """The jobs of one kernel that nobody has seen the end of."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def jobs(self) -> list[Job]:
        return [entry.job for entry in self._entries.values()]

    def start(self, job: Job, how: Presentation, screen: show.LeftBehind | None) -> None:
        """Keeps up with a job and saves its files where `how` asks for that.

        The thread runs in a copy of the cell's context: its output stays with the cell.
        """

        def watch() -> None:
            try:
                if screen:
                    Watch(job, screen).run()
                else:
                    job.wait()
                    show.save(job, how)
            except TelerunError as error:  # the server is lost, or a file cannot be written
                if not screen:
                    print(f"Telerun: {error}", file=sys.stderr)  # noqa: T201 - nobody else will tell

        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(watch,), name=f"telerun-{job.number}", daemon=True)
        self._entries[job.id] = _Entry(job, screen, thread)
        thread.start()

    def republish(self, *_: object) -> None:
        """After each cell: the jobs that have ended are shown again, the last time."""
        for key, entry in list(self._entries.items()):
            if entry.job.feed.is_final:
                entry.thread.join(LAST_WORDS_S)
                if not entry.thread.is_alive():
                    del self._entries[key]
                    self._show(entry)

    def _show(self, entry: _Entry) -> None:
        if entry.screen:
            with suppress(TelerunError):  # the server is lost: whoever asks for the job hears of it
                entry.screen.show_again(entry.job)
        else:
            print(f"{entry.job!r} has ended; %telerun_attach {entry.job.number} shows it.")  # noqa: T201
