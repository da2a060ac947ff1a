"""A job as it runs: its output as ordinary streams, and one display that keeps up with it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from typing import Protocol

from telerun_magic import io_thread
from telerun_magic.job_handle import Job
from telerun_magic.render.clean import StreamText
from telerun_protocol.errors import TelerunError
from telerun_protocol.states import StreamId
from telerun_protocol.units import show_duration, show_size

TICK_S = 0.05  # between two messages of output: 20 a second
BURST_BYTES = 1_500_000
RATE_BYTES_S = 200_000  # Jupyter drops everything beyond 1 MB/s over three seconds
LONG_BYTES = 4_000_000  # what one cell may show before it slows down: a notebook is to stay openable
LONG_RATE_BYTES_S = 2_000
TAIL_CHARS = 8_000
ELISION_S = 1.0
UPDATE_S = 0.25
CLOCK_S = 1.0
NAMES = {StreamId.STDOUT: "stdout", StreamId.STDERR: "stderr"}

Write = Callable[[str, str], None]


class Screen(Protocol):
    """Where a job is shown."""

    limited: bool  # whether too much output at once is harmful there

    def write(self, stream: str, text: str) -> None: ...

    def update(self, job: Job) -> None: ...

    def finish(self, job: Job) -> None: ...


class OutputPump:
    """Output, in few and bounded messages: the first bytes at once, then at most `RATE_BYTES_S`, the newest first."""

    def __init__(self, write: Write, *, limited: bool, where: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`where` says in which place everything is kept."""
        self._write = write
        self._limited = limited
        self._where = where
        self._clock = clock
        self._texts = {stream: StreamText() for stream in NAMES}
        self._pending: list[tuple[str, str]] = []
        self._elided = 0
        self._room = float(BURST_BYTES)
        self._shown = 0
        self._filled_at = clock()
        self._next_at = clock()
        self._written_at = -ELISION_S
        self._at_line_start = True

    def feed(self, stream: int, data: bytes) -> None:
        if stream in self._texts:
            self._add(NAMES[stream], self._texts[stream].feed(data))

    def _add(self, stream: str, text: str) -> None:
        if text:  # joined when it is written: joining each time would copy a long output once a piece
            self._pending.append((stream, text))

    @property
    def due_in_s(self) -> float | None:
        """How long until the next message may go, None where nothing waits."""
        return max(0.0, self._next_at - self._clock()) if self._pending or self._elided else None

    def flush(self, *, last: bool = False) -> None:
        """Writes what may be written now; with `last`, the end of the output in any case."""
        if last:
            for stream, name in NAMES.items():
                self._add(name, self._texts[stream].feed(b"", last=True))
        now = self._clock()
        if not (self._pending or self._elided) or (now < self._next_at and not last):
            return
        self._refill(now)
        self._pending = _by_stream(self._pending) if self._limited else _joined(self._pending)
        if self._limited:
            cost = sum(_cost(text) for _, text in self._pending)
            if cost > self._room or self._elided:
                self._cut()
                cost = sum(_cost(text) for _, text in self._pending)
                self._next_at = max(self._written_at + ELISION_S, now if cost <= self._room else now + ELISION_S)
                if now < self._next_at and not last:
                    return
            self._room -= cost
            self._shown += cost
        self._written_at, self._next_at = now, now + TICK_S * max(1, len(self._pending))
        self._emit()

    def _refill(self, now: float) -> None:
        long = self._shown > LONG_BYTES
        rate, most = (LONG_RATE_BYTES_S, 2 * TAIL_CHARS) if long else (RATE_BYTES_S, BURST_BYTES)
        self._room = min(float(most), self._room + rate * (now - self._filled_at))
        self._filled_at = now

    def _cut(self) -> None:
        """Keeps the newest lines of each stream and counts the rest."""
        kept = []
        for stream, text in self._pending:
            if len(text) > TAIL_CHARS:
                start = text.find("\n", len(text) - TAIL_CHARS) + 1 or len(text) - TAIL_CHARS
                self._elided += len(text[:start].encode())
                text = text[start:]  # noqa: PLW2901
            kept.append((stream, text))
        self._pending = kept

    def _emit(self) -> None:
        if self._elided:
            start = "" if self._at_line_start else "\n"
            note = f"{start}… {show_size(self._elided)} not shown, see {self._where}\n"
            stream = self._pending[0][0] if self._pending else "stdout"
            self._pending.insert(0, (stream, note))
            self._pending = _by_stream(self._pending)
            self._elided = 0
        for stream, text in self._pending:
            self._write(stream, text)
            self._at_line_start = text.endswith("\n")
        self._pending = []


def _joined(pieces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Neighbours of one stream as one piece, in the order of writing."""
    runs = groupby(pieces, key=itemgetter(0))
    return [(stream, "".join(text for _, text in run)) for stream, run in runs]


def _by_stream(pieces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One piece a stream: a program that changes streams with every line would cost a message each time."""
    streams = dict.fromkeys(stream for stream, _ in pieces)
    return [(stream, "".join(text for other, text in pieces if other == stream)) for stream in streams]


def _cost(text: str) -> int:
    """Bytes on the way to the notebook, where control characters take six."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))


class Watch:
    """Shows one job on a screen until it has ended."""

    def __init__(self, job: Job, screen: Screen) -> None:
        self._job = job
        self._screen = screen
        self._pump = OutputPump(screen.write, limited=screen.limited, where=f"telerun_magic.job({job.number}).stdout")
        self._position = 0
        self._shown: object = None
        self._update_at = 0.0

    def run(self, *, cancels: bool = False) -> None:
        """Blocks. An interrupt ends the watching; with `cancels`, the first one ends the job and its end is shown."""
        cancelled = False
        while True:
            try:
                if cancelled:
                    self._job.cancel()
                self._until_ended()
                return
            except KeyboardInterrupt:
                if cancelled or not cancels:
                    number = self._job.number
                    raise TelerunError(
                        f"No longer watching job {number}; it may still run.",
                        hint=f"%telerun_attach {number} shows it again, %telerun_cancel {number} ends it.",
                    ) from None
                cancelled = True

    def _until_ended(self) -> None:
        feed = self._job.feed
        feed.again()
        feed.follow()
        while True:
            seen = feed.bell.count
            ended = feed.log_complete
            while self._position < len(feed.frames):
                frame = feed.frames[self._position]
                self._position += 1
                self._pump.feed(frame.stream, frame.payload)
            self._pump.flush(last=ended)
            if ended:
                self._screen.finish(self._job)
                return
            if isinstance(feed.error, TelerunError):
                raise type(feed.error)(
                    feed.error.message, hint=f"The job may go on: %telerun_attach {self._job.number}"
                )
            if feed.error:
                raise feed.error
            self._update()
            self._sleep(seen)

    def _update(self) -> None:
        """Something new is shown soon; where nothing is new, the clock goes on."""
        feed, now = self._job.feed, time.monotonic()
        state = (feed.info, feed.session.trouble_since(feed.heard_at))
        since = now - self._update_at
        if (state != self._shown and since >= UPDATE_S) or since >= CLOCK_S:
            self._shown, self._update_at = state, now
            self._screen.update(self._job)

    def _sleep(self, seen: int) -> None:
        pause = io_thread.WAKE_S if self._pump.due_in_s is None else min(io_thread.WAKE_S, self._pump.due_in_s)
        try:
            io_thread.wait(self._job.feed.bell.after(seen), pause)
        except TimeoutError:
            return


def write(stream: str, text: str) -> None:
    file = sys.stderr if stream == "stderr" else sys.stdout
    file.write(text)
    file.flush()


class Terminal:
    """Plain prints, for IPython without a notebook around it."""

    limited = False

    def __init__(self, finish: Callable[[Job], str]) -> None:
        self._finish = finish
        self._said = ""

    def write(self, stream: str, text: str) -> None:
        write(stream, text)

    def update(self, job: Job) -> None:
        info = job.info
        said = str(info.phase or info.state)
        if said != self._said:
            self._said = said
            age = time.time() + job.feed.clock_ahead_s - info.created_at
            self.write("stdout", f"[{show_duration(age)}] job {job.number}: {said.replace('_', ' ')}\n")

    def finish(self, job: Job) -> None:
        self.write("stdout", self._finish(job) + "\n")
