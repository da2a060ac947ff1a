"""Ships what a job prints to the server: frames in order, each byte once, soon when little comes and in bulk when much.

The first bytes go at once. While an append is on its way the next gathers, and appends of one job start at least
`GAP_S` apart, so a program that prints a lot costs few requests. An append names its offset: one that is repeated after
a lost answer or a restart of the server writes nothing twice.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from telerun_executor.runners.base import Output
from telerun_protocol.logframes import HEADER, encode_frame

GAP_S = 0.015
FRAME_BYTES = 1 << 18
APPEND_BYTES = 1 << 19
BUFFER_BYTES = 1 << 22
LONGEST_HIDDEN_BYTES = 1 << 16  # a line that is longer is shown

Append = Callable[[int, bytes], Awaitable[int]]
"""Sends whole frames to an offset and returns the log's size."""


class LogStream:
    """One attempt's end of a job's log. `run` sends; `write` takes; `drain` waits until all is stored."""

    def __init__(self, append: Append, offset: int) -> None:
        self._append = append
        self._offset = offset
        self._waiting: list[tuple[int, bytearray]] = []  # payloads not framed yet, adjacent streams differing
        self._waiting_bytes = 0
        self._changed = asyncio.Condition()
        self._sending = False

    async def write(self, stream: int, data: bytes) -> None:
        """Takes bytes of a stream; waits while too much is on its way."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting_bytes < BUFFER_BYTES)
            for start in range(0, len(data), FRAME_BYTES):
                self._add(stream, data[start : start + FRAME_BYTES])
            self._changed.notify_all()

    def _add(self, stream: int, data: bytes) -> None:
        last = self._waiting[-1] if self._waiting else None
        if last and last[0] == stream and len(last[1]) + len(data) <= FRAME_BYTES:
            last[1].extend(data)
            self._waiting_bytes += len(data)
        else:
            self._waiting.append((stream, bytearray(data)))
            self._waiting_bytes += HEADER.size + len(data)

    async def run(self) -> None:
        """Sends for ever; the append's errors leave through here."""
        loop = asyncio.get_running_loop()
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._waiting_bytes)
                frames = self._take()
                self._sending = True
                self._changed.notify_all()
            began = loop.time()
            self._offset = await self._append(self._offset, frames)
            async with self._changed:
                self._sending = False
                self._changed.notify_all()
            if not self._waiting_bytes >= APPEND_BYTES:
                await asyncio.sleep(began + GAP_S - loop.time())

    def _take(self) -> bytes:
        taken, size = [], 0
        while self._waiting and size < APPEND_BYTES:
            stream, payload = self._waiting.pop(0)
            taken.append(encode_frame(stream, bytes(payload)))
            size += len(taken[-1])
        self._waiting_bytes -= size
        return b"".join(taken)

    async def drain(self) -> None:
        """Returns when everything written so far is stored. `run` must be going."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._waiting_bytes and not self._sending)


class Meter:
    """An `Output` that lets the first `limit` bytes through, counts all, and tells once when there are more."""

    def __init__(self, output: Output, limit: int | None, on_excess: Callable[[], None] | None = None) -> None:
        self._output = output
        self._limit = limit
        self._on_excess = on_excess
        self.seen_bytes = 0
        self.cut_bytes = 0

    async def __call__(self, stream: int, data: bytes) -> None:
        kept = data if self._limit is None else data[: max(0, self._limit - self.seen_bytes)]
        within = not self.cut_bytes
        self.seen_bytes += len(data)
        self.cut_bytes += len(data) - len(kept)
        if self.cut_bytes and within and self._on_excess:
            self._on_excess()
        if kept:
            await self._output(stream, kept)


class Sieve:
    """Hands bytes on to one stream of an `Output`, but for whole lines that begin as `hidden` says.

    With nothing hidden it hands on what comes as it comes; else line by line, what is left with `flush`.
    """

    def __init__(self, output: Output, stream: int, hidden: re.Pattern[bytes] | None) -> None:
        self._output = output
        self._stream = stream
        self._hidden = hidden
        self._line = b""  # begun, not yet ended

    async def __call__(self, data: bytes) -> None:
        shown = data
        if self._hidden:
            *lines, self._line = (self._line + data).split(b"\n")
            shown = b"".join(line + b"\n" for line in lines if not self._hidden.match(line))
            if len(self._line) > LONGEST_HIDDEN_BYTES:
                shown, self._line = shown + self._line, b""
        if shown:
            await self._output(self._stream, shown)

    async def flush(self) -> None:
        if self._line and self._hidden and not self._hidden.match(self._line):
            await self._output(self._stream, self._line)
        self._line = b""
