"""What a job prints, made fit for a terminal: colours pass, every other control sequence does not.

A terminal obeys what is written to it: titles, clipboards, answers typed back. What a job wrote is not ours to trust.
"""

from __future__ import annotations

import codecs
import re
import sys
from typing import BinaryIO

import rich.box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_SEQUENCE = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # other CSI
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC, DCS, SOS, PM, APC with their text
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\n]*\x1b?|[ -/]*)?\Z")
_LONGEST = 4096
RESET = "\x1b[0m"


def _keep_colour(match: re.Match[str]) -> str:
    return match["colour"] or ""


def clean(text: str) -> str:
    """One line that can be printed anywhere."""
    return re.sub(r"\s+", " ", _SEQUENCE.sub("", text)).strip()


class Filter:
    """Turns a stream's bytes, in pieces of any size, into text for a terminal."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._coloured = False

    def feed(self, data: bytes, *, final: bool = False) -> str:
        text = self._held + self._decoder.decode(data, final)
        self._held = ""
        unfinished = _UNFINISHED.search(text)
        if unfinished and not final and len(unfinished[0]) < _LONGEST:
            self._held = unfinished[0]
            text = text[: unfinished.start()]
        shown = _SEQUENCE.sub(_keep_colour, text)
        self._coloured = self._coloured or "\x1b" in shown
        return shown

    def close(self) -> str:
        """What is left, and an end to its colours."""
        rest = self.feed(b"", final=True)
        return rest + RESET if self._coloured else rest


class Sink:
    """Where one of a job's streams goes: bytes as they are to a file or pipe, filtered to a terminal."""

    def __init__(self, out: BinaryIO, *, raw: bool = False) -> None:
        self._out = out
        self._filter = None if raw or not out.isatty() else Filter()

    def write(self, data: bytes) -> None:
        self._out.write(self._filter.feed(data).encode() if self._filter else data)
        self._out.flush()

    def close(self) -> None:
        if self._filter:
            self._out.write(self._filter.close().encode())
            self._out.flush()


def console() -> Console:
    """For tables; never cut where nobody looks at a screen."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 240)


def table(*columns: str) -> Table:
    return Table(*columns, box=rich.box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")


def cell(value: object, style: str = "") -> Text:
    """A table's cell from anything a job or a person named: shown as text, never as markup."""
    return Text(clean(str(value)), style)
