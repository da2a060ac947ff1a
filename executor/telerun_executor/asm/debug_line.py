"""The line table of a cubin: DWARF 2 with two opcodes of NVIDIA's own that tell where inlined code comes from.

One sequence per kernel. Beside the usual registers there is a *context*: the row of the call that the code was inlined
from. Rows are numbered from 1 within their sequence, 0 is no context.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from telerun_executor.asm.source import unquote

MAX_ROWS = 500_000
MAX_DEPTH = 64
_LONGEST_LEB = 10

_INLINED_CALL = 0x90
_SET_FUNCTION_NAME = 0x91


class MalformedTable(ValueError):
    """The bytes are no line table as nvcc writes it."""


@dataclass(frozen=True, slots=True)
class Row:
    address: int
    file: str
    line: int
    caller: int | None  # index of the row that the code was inlined into


@dataclass(frozen=True, slots=True)
class LineTable:
    """`sections` has, for each code section, the row indices by address."""

    rows: list[Row] = field(default_factory=list)
    sections: dict[str, list[int]] = field(default_factory=dict)

    def chain(self, section: str, address: int) -> list[tuple[str, int]]:
        """Where the instruction comes from, innermost first: (file, line), the last one is in the kernel itself."""
        indices = self.sections.get(section, [])
        position = bisect_right(indices, address, key=lambda index: self.rows[index].address) - 1
        found: list[tuple[str, int]] = []
        index = indices[position] if position >= 0 else None
        while index is not None and len(found) < MAX_DEPTH:
            row = self.rows[index]
            found.append((row.file, row.line))
            index = row.caller
        return found


class _Reader:
    """A position in bytes; reading beyond the end raises MalformedTable."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, position: int, end: int) -> None:
        if not 0 <= position <= end <= len(data):
            raise MalformedTable("a length in its line table reaches beyond the end")
        self.data, self.position, self.end = data, position, end

    def unpack(self, layout: str) -> tuple[int, ...]:
        size = struct.calcsize(layout)
        if self.position + size > self.end:
            raise MalformedTable("its line table ends too early")
        values: tuple[int, ...] = struct.unpack_from(layout, self.data, self.position)
        self.position += size
        return values

    def byte(self) -> int:
        if self.position >= self.end:
            raise MalformedTable("its line table ends too early")
        self.position += 1
        return self.data[self.position - 1]

    def uleb(self) -> int:
        value = 0
        for index in range(_LONGEST_LEB):
            byte = self.byte()
            value |= (byte & 127) << (7 * index)
            if byte < 128:
                return value
        raise MalformedTable("a number in its line table is too long")

    def sleb(self) -> int:
        start = self.position
        value = self.uleb()
        bits = 7 * (self.position - start)
        return value - (1 << bits) if value >> (bits - 1) else value

    def text(self) -> str:
        end = self.data.find(b"\0", self.position, self.end)
        if end < 0:
            raise MalformedTable("a name in its line table does not end")
        found = self.data[self.position : end].decode(errors="replace")
        self.position = end + 1
        return found

    def skip(self, size: int) -> None:
        if self.position + size > self.end:
            raise MalformedTable("a length in its line table reaches beyond the end")
        self.position += size


def decode(data: bytes, addresses: Mapping[int, tuple[str, int]]) -> LineTable:
    """Reads a `.debug_line` section.

    `addresses` are its relocations: offset of an address in `data` -> (code section, address in it). Raises
    MalformedTable. Time and memory are bounded by the size of `data`.
    """
    table, position = LineTable(), 0
    while position < len(data):
        (length,) = _Reader(data, position, len(data)).unpack("<I")
        end = position + 4 + length
        _decode_unit(_Reader(data, position + 4, end), table, addresses)
        position = end
    for indices in table.sections.values():
        indices.sort(key=lambda index: table.rows[index].address)
    return table


def _files(reader: _Reader) -> list[str]:
    """The names by their number in the table, which begins at 1."""
    folders, files = [""], [""]
    while name := reader.text():
        folders.append(name)
    while name := reader.text():
        folder, _, _ = reader.uleb(), reader.uleb(), reader.uleb()
        if folder >= len(folders):
            raise MalformedTable("a file of its line table is in no folder")
        files.append(_joined(folders[folder], name) if folder else name)
    return [unquote(file) for file in files]


def _joined(folder: str, name: str) -> str:
    r"""Letters outside ASCII are written as \ooo by ptxas, which then takes the last backslash for a folder's end."""
    cut = re.search(r"\\[0-7]{3}$", folder) and re.match(r"[0-7]{3}", name)
    return f"{folder}\\{name}" if cut else f"{folder}/{name}"


def _decode_unit(reader: _Reader, table: LineTable, addresses: Mapping[int, tuple[str, int]]) -> None:
    version, header_length = reader.unpack("<HI")
    if not 2 <= version <= 4:
        raise MalformedTable(f"its line table is of version {version}")
    program = reader.position + header_length
    (step,) = reader.unpack("<B")
    if version == 4:
        reader.byte()  # operations per instruction: 1 on all machines without VLIW
    _, line_base, line_range, opcode_base = reader.unpack("<BbBB")
    if not line_range or not opcode_base:
        raise MalformedTable("the header of its line table is not valid")
    operands = [reader.byte() for _ in range(opcode_base - 1)]
    files = _files(reader)
    if program < reader.position:
        raise MalformedTable("the header of its line table is not valid")
    reader.skip(program - reader.position)

    address, file, line, context, section, first = 0, 1, 1, 0, "", len(table.rows)

    def emit() -> None:
        if len(table.rows) >= MAX_ROWS:
            raise MalformedTable(f"its line table has more than {MAX_ROWS} rows")
        if section:
            table.sections.setdefault(section, []).append(len(table.rows))
        caller = first + context - 1 if context else None
        known = caller is None or caller < len(table.rows)
        name = files[file] if file < len(files) else ""
        table.rows.append(Row(address, name, line, caller if known else None))

    while reader.position < reader.end:
        opcode = reader.byte()
        if opcode >= opcode_base:
            address += (opcode - opcode_base) // line_range * step
            line += line_base + (opcode - opcode_base) % line_range
            emit()
        elif opcode == 0:
            size = reader.uleb()
            after = reader.position + size
            match reader.byte() if size else None:
                case 1:  # end_sequence
                    address, file, line, context, section, first = 0, 1, 1, 0, "", len(table.rows)
                case 2:  # set_address
                    operand = reader.position
                    section, address = addresses.get(operand, ("", 0))
                case _x if _x == _INLINED_CALL:
                    context = reader.uleb()
                case _x if _x == _SET_FUNCTION_NAME:
                    context = 0
            if after < reader.position:
                raise MalformedTable("an operation in its line table is longer than it says")
            reader.skip(after - reader.position)
        elif opcode == 1:
            emit()
        elif opcode == 2:
            address += reader.uleb() * step
        elif opcode == 3:
            line += reader.sleb()
        elif opcode == 4:
            file = reader.uleb()
        elif opcode == 8:
            address += (255 - opcode_base) // line_range * step
        elif opcode == 9:
            address += reader.unpack("<H")[0]
        else:
            for _ in range(operands[opcode - 1]):
                reader.uleb()
