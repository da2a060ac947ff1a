"""Global and constant variables with their initial values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from telerun_executor.emulator.codegen.symbols import Symbols, c_function, c_variable, size_of
from telerun_executor.emulator.ptx.errors import PtxSyntaxError, UnsupportedPtx
from telerun_executor.emulator.ptx.nodes import Integer, Real, Sum, Variable
from telerun_executor.emulator.ptx.types import TYPES

GAP_BYTES = 32
"""Unused bytes after each variable, so that an access beyond its end hits nothing."""


def stored(symbols: Symbols) -> list[Variable]:
    """The variables that live in the library."""
    found = list[Variable]()
    for variable in symbols.variables.values():
        if variable.space not in ("global", "const"):
            continue
        if variable.linkage == "extern":
            raise UnsupportedPtx(
                f"extern variable {variable.name}",
                variable.line,
                "programs of several linked PTX modules are not emulated",
            )
        found.append(variable)
    return found


def definition(variable: Variable) -> str:
    """The C array of a variable, aligned as the PTX asks."""
    size = size_of(variable)
    content, _ = initial(variable)
    content = content.rstrip(b"\0")
    given = f' = "{_escaped(content)}"' if content else ""
    align = max(variable.align, 16)
    return f"static uint8_t {c_variable(variable.name)}[{size + GAP_BYTES}] __attribute__((aligned({align}))){given};"


def initial(variable: Variable) -> tuple[bytes, list[tuple[int, Sum, int]]]:
    """The initial bytes, and the addresses to be filled in: (offset, what, bytes)."""
    kind, found, addresses = TYPES[variable.type], bytearray(), list[tuple[int, Sum, int]]()
    for value in variable.initial:
        if isinstance(value, Sum):
            addresses.append((len(found), value, kind.size))
            found += bytes(kind.size)
        elif isinstance(value, Integer):
            found += (value.value & (1 << kind.bits) - 1).to_bytes(kind.size, "little")
        else:
            found += _real(value, kind.bits, variable.line)
    if len(found) > size_of(variable):
        raise PtxSyntaxError(f"too many initial values for {variable.name}", variable.line)
    return bytes(found), addresses


def _real(value: Real, bits: int, line: int) -> bytes:
    if bits != value.width:
        raise PtxSyntaxError("initial value of another width", line)
    return value.bits.to_bytes(bits // 8, "little")


def address_statements(variables: Sequence[Variable], symbols: Symbols) -> Iterator[str]:
    """C statements that store the addresses in initial values."""
    for variable in variables:
        for offset, value, size in initial(variable)[1]:
            target = symbols.variables.get(value.symbol)
            if size != 8:
                raise UnsupportedPtx(f"part of an address in {variable.name}", variable.line)
            if target is not None and target.space in ("global", "const"):
                address = f"EMU_DEVICE({c_variable(value.symbol)})"
            elif (function := symbols.function(value.symbol)) is not None and not function.is_kernel:
                symbols.taken.add(function.name)
                address = f"(uint64_t)(uintptr_t)&{c_function(function.name)}"
            else:
                raise UnsupportedPtx(f"address of {value.symbol} in {variable.name}", variable.line)
            yield f"*(uint64_t *)({c_variable(variable.name)} + {offset}) = {address} + {value.offset};"


def _escaped(content: bytes) -> str:
    """Bytes in a C string; always three octal digits, which end by themselves."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}" for byte in content)
