"""What the emulation of a GPU reports of a program while it runs, picked out of the program's standard error."""

from __future__ import annotations

from telerun_executor.diagnostics import EMULATION, LINE_CHARACTERS
from telerun_executor.runners.base import Output
from telerun_protocol.states import StreamId

MOST_BYTES = 64 << 10
_PREFIX = EMULATION.encode()


class Reports:
    """An `Output` between a program and another `Output`: everything goes on, whole lines of reports are kept too."""

    def __init__(self, to: Output, keep: bytearray) -> None:
        self._to = to
        self._keep = keep
        self._left = MOST_BYTES
        self._line = b""  # begun, not yet ended

    async def __call__(self, stream: int, data: bytes) -> None:
        if stream == StreamId.STDERR and self._left > 0:
            *lines, rest = (self._line + data).split(b"\n")
            for line in lines:
                if line.startswith(_PREFIX):
                    self._keep += line + b"\n"
                    self._left -= len(line)
            self._line = rest[:LINE_CHARACTERS]
        await self._to(stream, data)
