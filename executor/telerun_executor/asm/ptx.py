"""PTX, as functions with their source lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from telerun_executor.asm.demangle import demangle
from telerun_executor.asm.sass import source_line
from telerun_executor.asm.source import MainSource, ranges, unquote
from telerun_protocol.listing import AsmFunction

MAX_DEPTH = 64
MAX_HEAD_LINES = 200
_TARGET = re.compile(r"\s*\.target\s+(sm_\d{2,3}[af]?)\b")
_FILE = re.compile(r'\s*\.file\s+(\d+)\s+"((?:[^"\\]|\\.)*)"')
_LOC = re.compile(r"\s*\.loc\s+(\d+)\s+(\d+)\s+(\d+)(?:.*\binlined_at\s+(\d+)\s+(\d+)\s+(\d+))?")
_HEAD = re.compile(r"\s*(?:\.(?:visible|weak|extern)\s+)?\.(?:entry|func)\b")
_NAME = re.compile(_HEAD.pattern + r"\s*(?:\.\w+\s+)*(?:\([^)]*\)\s*)?([\w$.%]+)")
_SECTION = re.compile(r"\s*\.section\b")

Place = tuple[str, int, int]  # file number, line, column


def ptx_arch(lines: Sequence[str]) -> str | None:
    """The architecture that the PTX is written for."""
    return next((match[1] for line in lines if (match := _TARGET.match(line))), None)


def ptx_functions(lines: Sequence[str], main: MainSource) -> Iterator[AsmFunction]:
    """The kernels and functions; first, without a symbol, what stands outside of them."""
    files = {match[1]: unquote(match[2]) for line in lines if (match := _FILE.match(line))}
    outside, functions = list[str](), list[AsmFunction]()
    lines, position = [line.expandtabs(8) for line in lines], 0
    while position < len(lines):
        line, start = lines[position], position
        if _SECTION.match(line):  # names of inlined functions, as numbers
            position, _ = _block(lines, start)
        elif _HEAD.match(line):
            position, has_body = _block(lines, start)
            if has_body:
                functions.append(_function(lines[start:position], files, main))
            else:
                outside += lines[start:position]
        else:
            position += 1
            if line.strip() not in ("", "//"):
                outside.append(line)
    if outside:
        yield AsmFunction(symbol="", name="(module)", text=tuple(outside), ranges=())
    yield from functions


def _block(lines: Sequence[str], start: int) -> tuple[int, bool]:
    """The end of what begins at `start`: after its closing brace, or after a semicolon if it has no body."""
    depth, opened = 0, False
    for index in range(start, len(lines)):
        code = lines[index].partition("//")[0]
        depth += code.count("{") - code.count("}")
        opened = opened or "{" in code
        if depth <= 0 and (opened or code.rstrip().endswith(";")):
            return index + 1, opened
    return len(lines), opened


def _function(lines: Sequence[str], files: Mapping[str, str], main: MainSource) -> AsmFunction:
    match = _NAME.match(" ".join(lines[:MAX_HEAD_LINES]))
    symbol = match[1] if match else ""
    callers, source, sources = dict[Place, Place | None](), None, list[int | None]()
    for line in lines:
        if line.lstrip().startswith(".loc") and (loc := _LOC.match(line)):
            place = (loc[1], int(loc[2]), int(loc[3]))
            callers[place] = (loc[4], int(loc[5]), int(loc[6])) if loc[4] else None
            source = source_line(_chain(place, callers, files), main)
        sources.append(source if line.strip() else None)
    return AsmFunction(symbol=symbol, name=demangle(symbol), text=tuple(lines), ranges=ranges(sources))


def _chain(place: Place, callers: Mapping[Place, Place | None], files: Mapping[str, str]) -> list[tuple[str, int]]:
    """A place is told once with the call it was inlined into; that call's own place was told before."""
    found: list[tuple[str, int]] = []
    at: Place | None = place
    while at is not None and len(found) < MAX_DEPTH:
        found.append((files.get(at[0], ""), at[1]))
        at = callers.get(at)
    return found
