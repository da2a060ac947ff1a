"""What a cubin tells about itself: its architecture, its code sections and where each instruction comes from."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from telerun_executor.asm.bounds import read_bytes
from telerun_executor.asm.debug_line import LineTable, decode

MAX_CUBIN_BYTES = 64 << 20
MAX_SECTIONS = 100_000
_SHT_NOBITS = 8
_SYMBOL = struct.Struct("<IBBHQQ")
_CODE = ".text."
_CONSTANTS = ".nv.constant0."
_ARCH = re.compile(rb"-arch[ =](sm_\d{2,3}[af]?)\b")
_NEW_ABI = 0x41  # e_ident[EI_OSABI] of cubins that keep the architecture in the third byte of e_flags


class MalformedCubin(ValueError):
    """The file is no cubin."""


@dataclass(frozen=True, slots=True)
class Cubin:
    """A cubin in memory. `sections` are (name, content) by section number."""

    arch: str
    sections: tuple[tuple[str, bytes], ...]

    @classmethod
    def read(cls, path: Path) -> Cubin:
        """Raises MalformedCubin for anything that is none, and OSError."""
        data = read_bytes(path, MAX_CUBIN_BYTES + 1)
        if len(data) > MAX_CUBIN_BYTES:
            raise MalformedCubin(f"it is larger than {MAX_CUBIN_BYTES >> 20} MiB")
        return cls.parse(data)

    @classmethod
    def parse(cls, data: bytes) -> Cubin:
        try:
            elf = ELFFile(io.BytesIO(data))
            if elf.num_sections() > MAX_SECTIONS:
                raise MalformedCubin("it has too many sections")
            sections = tuple(_sections(elf, data))
            flags, abi = int(elf["e_flags"]), data[7]
        # The reader was made for files that are well formed and names only some of what it finds otherwise.
        except (ELFError, ValueError, LookupError, TypeError, AttributeError, AssertionError, OverflowError) as error:
            raise MalformedCubin(f"it is no ELF file ({error})" if str(error) else "it is no ELF file") from error
        return cls(_arch(sections, flags, abi), sections)

    @property
    def kernels(self) -> dict[str, int]:
        """The code sections by the symbol they are named for, with their sizes in bytes."""
        return {name[len(_CODE) :]: len(content) for name, content in self.sections if name.startswith(_CODE)}

    @property
    def constant_bytes(self) -> dict[str, int]:
        """The size of the constant bank with the parameters, by kernel."""
        return {name[len(_CONSTANTS) :]: len(content) for name, content in self.sections if name.startswith(_CONSTANTS)}

    def lines(self) -> LineTable:
        """Where instructions come from, by symbol and address. Raises MalformedTable."""
        content = dict(self.sections)
        data = content.get(".debug_line", b"")
        return decode(data, dict(self._relocations(content, data)))

    def _relocations(self, content: dict[str, bytes], data: bytes) -> Iterator[tuple[int, tuple[str, int]]]:
        """Offset of an address in `.debug_line` -> (symbol of the code section, address in it)."""
        symbols = content.get(".symtab", b"")
        # sm_90 and later have relocations with an addend, earlier ones keep it in the place to be relocated.
        for table, size in ((".rela.debug_line", 24), (".rel.debug_line", 16)):
            entries = content.get(table, b"")
            for position in range(0, len(entries) - size + 1, size):
                offset, info = struct.unpack_from("<QQ", entries, position)
                start = (info >> 32) * _SYMBOL.size
                if start + _SYMBOL.size > len(symbols) or offset + 8 > len(data):
                    continue
                _, _, _, number, value, _ = _SYMBOL.unpack_from(symbols, start)
                (addend,) = (
                    struct.unpack_from("<q", entries, position + 16)
                    if size == 24
                    else struct.unpack_from("<q", data, offset)
                )
                name = self.sections[number][0] if number < len(self.sections) else ""
                if name.startswith(_CODE):
                    yield offset, (name[len(_CODE) :], value + addend)


def _sections(elf: ELFFile, data: bytes) -> Iterator[tuple[str, bytes]]:
    for section in elf.iter_sections():
        start, size = section["sh_offset"], section["sh_size"]
        # Never section.data(): it would unpack what calls itself compressed.
        yield section.name, b"" if section["sh_type"] in ("SHT_NOBITS", _SHT_NOBITS) else data[start : start + size]


def _arch(sections: tuple[tuple[str, bytes], ...], flags: int, abi: int) -> str:
    """The exact one, such as sm_90a, is only in the note with ptxas' own command line."""
    for name, content in sections:
        if name.startswith(".note.nv.tkinfo") and (match := _ARCH.search(content)):
            return match[1].decode()
    return f"sm_{(flags >> 16) & 0xFF if abi == _NEW_ABI else flags & 0xFF}"
