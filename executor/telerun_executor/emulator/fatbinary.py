"""The PTX in a linked program: nvcc keeps it in fat binaries, in the section .nv_fatbin."""

from __future__ import annotations

import struct
from collections.abc import Iterator

CONTAINER = struct.Struct("<IHHQ")  # magic, version, header bytes, payload bytes
ENTRY = struct.Struct("<HHIQ12xI")  # kind, version, header bytes, payload bytes, architecture
MAGIC = 0xBA55ED50
PTX = 1


def ptx_of_program(program: bytes, newest: int = 80) -> list[bytes]:
    """The PTX of each fat binary that the emulation would run: the highest architecture up to `newest`, once each.

    Compressed PTX is left out: the program was not built with --no-compress.
    """
    found = (_best(entries, newest) for entries in _containers(_section(program, b".nv_fatbin")))
    return list(dict.fromkeys(ptx for ptx in found if ptx is not None))


def _best(entries: list[tuple[int, bytes]], newest: int) -> bytes | None:
    usable = [(architecture, ptx) for architecture, ptx in entries if architecture <= newest and b".version" in ptx]
    return max(usable, key=lambda entry: entry[0])[1].rstrip(bytes((0, 9, 10, 13, 32))) if usable else None


def _containers(section: bytes) -> Iterator[list[tuple[int, bytes]]]:
    at = section.find(struct.pack("<I", MAGIC))
    while at >= 0 and at + CONTAINER.size <= len(section):
        _, _, header, payload = CONTAINER.unpack_from(section, at)
        yield list(_ptx_entries(section[at + header : at + header + payload]))
        at = section.find(struct.pack("<I", MAGIC), at + header + payload)


def _ptx_entries(payload: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + ENTRY.size <= len(payload):
        kind, _, header, size, architecture = ENTRY.unpack_from(payload, at)
        if header + size == 0:
            return
        if kind == PTX:
            yield architecture, payload[at + header : at + header + size]
        at += header + size


def _section(program: bytes, name: bytes) -> bytes:
    """The bytes of a section of a 64-bit little-endian ELF file; empty if it has none of that name."""
    if program[:6] != b"\x7fELF\x02\x01":
        return b""
    (table,) = struct.unpack_from("<Q", program, 40)
    entry_bytes, count, names_index = struct.unpack_from("<HHH", program, 58)
    headers = [struct.unpack_from("<IIQQQQ", program, table + index * entry_bytes) for index in range(count)]
    names = program[headers[names_index][4] :]
    for name_at, _, _, _, offset, size in headers:
        if names[name_at : names.index(b"\0", name_at)] == name:
            return program[offset : offset + size]
    return b""
