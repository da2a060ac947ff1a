"""A compiler's messages, on the lines of the cell they are about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from telerun_magic.render import clean
from telerun_magic.render.blocks import Block, Line, Pre, Span, Tone, line
from telerun_protocol.messages import Diagnostic

SHOWN = 20
TAB = 8  # gcc counts columns on a screen with tab stops every 8
_TONES = {"error": Tone.BAD, "fatal error": Tone.BAD, "warning": Tone.WARN}


def blocks(diagnostics: Sequence[Diagnostic], *, main: str | None, source: str | None, line_offset: int) -> list[Block]:
    """Each message once, with its place and, in the main file, the source line and a caret under the column.

    `line_offset` is added to lines of the main file: a cell's first line is its magic.
    """
    once = list(dict.fromkeys(diagnostics))
    lines = source.splitlines() if source is not None else []
    found: list[Block] = []
    for diagnostic in once[:SHOWN]:
        in_main = diagnostic.file == main
        found.append(
            Line(_spans(diagnostic, in_main, line_offset, _on_the_cell(diagnostic.message, main, line_offset)))
        )
        if in_main and 0 < diagnostic.line <= len(lines):
            found.append(Pre(_excerpt(lines[diagnostic.line - 1], diagnostic, line_offset), Tone.DIM))
    if len(once) > SHOWN:
        found.append(line(f"… and {len(once) - SHOWN} more; the compiler's log has them all.", Tone.DIM))
    return found


def _on_the_cell(message: str, main: str | None, line_offset: int) -> str:
    """A message with the places it names in the main file told as lines of the cell."""
    if not main or not line_offset:
        return message
    place = rf"(?<![\w/]){re.escape(main)}:(\d{{1,7}})\b"
    return re.sub(place, lambda found: f"cell line {int(found[1]) + line_offset}", message)


def _spans(diagnostic: Diagnostic, in_main: bool, line_offset: int, message: str) -> tuple[Span, ...]:
    name = "cell" if in_main and line_offset else clean.line(diagnostic.file, 200)
    shift = line_offset if in_main else 0
    place = f"{name} line {diagnostic.line + shift}" if diagnostic.line else name
    if diagnostic.line and diagnostic.column:
        place += f":{diagnostic.column}"
    tone = _TONES.get(diagnostic.severity, Tone.DIM)
    return (
        *((Span(f"{place}:", strong=True),) if place else ()),  # a linker's error has no place
        Span(f"{clean.line(diagnostic.severity, 40)}:", tone, strong=True),
        Span(clean.line(message)),
    )


def _excerpt(text: str, diagnostic: Diagnostic, line_offset: int) -> str:
    shown = clean.text(text.expandtabs(TAB)).replace("\n", " ")
    start = max(0, min(diagnostic.column - 60, len(shown)))
    gutter = f"{diagnostic.line + line_offset:>5} | "
    excerpt = gutter + shown[start : start + 120]
    if 0 < diagnostic.column <= len(shown) + 1:
        excerpt += "\n" + " " * (len(gutter) - 2) + "| " + " " * (diagnostic.column - 1 - start) + "^"
    return excerpt
