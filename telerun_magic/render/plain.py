"""Blocks as text, for consoles and for whoever reads a notebook without its HTML."""

from __future__ import annotations

from collections.abc import Iterable

from telerun_magic.render import clean
from telerun_magic.render.blocks import Block, Details, Image, Line, Pair, Pre, Table
from telerun_protocol.units import show_size


def to_text(blocks: Iterable[Block], *, full: bool = False) -> str:
    """`full` opens what is closed in the display, such as the assembly."""
    return "\n".join(text for block in blocks if (text := _block(block, full)))


def _block(block: Block, full: bool) -> str:
    match block:
        case Line(spans):
            return " ".join(clean.text(span.text) for span in spans)
        case Pre(text, _):
            return clean.text(text).rstrip("\n")
        case Table():
            return _table(block)
        case Image(name, media_type, data):
            return f"{clean.line(name)} ({media_type}, {show_size(len(data))})"
        case Pair(_, right):
            return clean.text("".join(stripe.text for stripe in right)).rstrip("\n")
        case Details(summary, blocks, is_open):
            inner = to_text(blocks, full=full) if full or is_open else ""
            return clean.line(summary) + (f"\n{inner}" if inner else "")


def _table(table: Table) -> str:
    rows = [tuple(clean.line(cell) for cell in row) for row in ((table.columns, *table.rows))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.columns))]

    def aligned(row: tuple[str, ...]) -> str:
        cells = (
            cell.rjust(width) if number in table.numeric else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    shown = rows if any(table.columns) else rows[1:]
    return "\n".join([*([clean.line(table.caption)] if table.caption else []), *map(aligned, shown)])
