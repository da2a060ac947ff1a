"""What goes to a terminal: tables, and what a job printed, made harmless.

A terminal obeys what is written to it: titles, clipboards, answers typed back. What a job wrote is not ours to trust.
"""

from __future__ import annotations

import sys
from typing import BinaryIO

import rich.box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from telerun_magic.render import clean as cleaning

RESET = "\x1b[0m"


def clean(text: str) -> str:
    """One line that can be printed anywhere."""
    return cleaning.line(text, limit=4000)


class Filter(cleaning.StreamText):
    """A stream's text without the control sequences that do more than colour a line or draw it again."""

    def __init__(self) -> None:
        super().__init__()
        self._coloured = False

    def feed(self, data: bytes, *, last: bool = False) -> str:
        shown = super().feed(data, last=last)
        self._coloured = self._coloured or "\x1b" in shown
        return shown

    def close(self) -> str:
        """What is left, and an end to its colours."""
        rest = self.feed(b"", last=True)
        return rest + RESET if self._coloured else rest


class Sink:
    """Where one of a job's streams goes: bytes as they are to a file or pipe, filtered to a terminal."""

    def __init__(self, out: BinaryIO, *, raw: bool = False) -> None:
        self._out = out
        self._filter = None if raw or not out.isatty() else Filter()

    def write(self, data: bytes) -> None:
        self._out.write(self._filter.feed(data).encode(errors="replace") if self._filter else data)
        self._out.flush()

    def close(self) -> None:
        if self._filter:
            self._out.write(self._filter.close().encode(errors="replace"))
            self._out.flush()


def show(rows: Table) -> None:
    """Prints a table; it is never cut where nobody looks at a screen."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
    with console.capture() as captured:
        console.print(rows)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def table(*columns: str) -> Table:
    return Table(*columns, box=rich.box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")


def cell(value: object, style: str = "") -> Text:
    """A table's cell from anything a job or a person named: shown as text, never as markup."""
    return Text(clean(str(value)), style)
