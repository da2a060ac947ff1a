"""What nvdisasm prints, as functions with their source lines."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from telerun_executor.asm.debug_line import LineTable
from telerun_executor.asm.demangle import demangle
from telerun_executor.asm.source import MainSource, ranges
from telerun_protocol.listing import AsmFunction

_SECTION = re.compile(r"\s*\.section\s+\.text\.([^\s,]+),")
_INSTRUCTION = re.compile(r"\s*/\*([0-9a-f]{4,16})\*/(.*)")
_PADDING = re.compile(r"\.L_x_\d+:$|\s*/\*[0-9a-f]+\*/\s+NOP\s*;$")
_LABEL = re.compile(r"([^\s:]+):\s*$")


def sass_functions(lines: Sequence[str], table: LineTable, main: MainSource) -> list[AsmFunction]:
    """The kernels of an nvdisasm listing (-c -hex) in the order of the source: addresses, instructions and labels.

    The encodings are left to the raw file.
    """
    bodies: dict[str, list[tuple[str, int | None]]] = {}
    symbol, body = "", list[tuple[str, int | None]]()
    for line in lines:
        if match := _SECTION.match(line):
            symbol = match[1]
            body = bodies.setdefault(symbol, [])
        elif not symbol:
            continue
        elif match := _INSTRUCTION.match(line):
            source = source_line(table.chain(symbol, int(match[1], 16)), main)
            instruction = match[2].partition("/* 0x")[0].strip()
            body.append((f"        /*{match[1]}*/  {instruction}", source))
        elif (match := _LABEL.match(line)) and not match[1].startswith(".text."):
            body.append((f"{match[1]}:", None))
    found = [_function(symbol, body) for symbol, body in bodies.items()]
    return sorted(found, key=lambda function: min((r.source for r in function.ranges), default=sys.maxsize))


def source_line(chain: Sequence[tuple[str, int]], main: MainSource) -> int | None:
    """The innermost place of a chain of inlined calls that is in the main file: where its author wrote it."""
    return next((line for file, line in chain if line > 0 and main.is_named(file)), None)


def _function(symbol: str, body: list[tuple[str, int | None]]) -> AsmFunction:
    while body and _PADDING.match(body[-1][0]):
        body.pop()
    return AsmFunction(
        symbol=symbol,
        name=demangle(symbol),
        text=tuple(line for line, _ in body),
        ranges=ranges(source for _, source in body),
    )
