"""An instruction's name taken apart."""

from __future__ import annotations

import functools
from dataclasses import dataclass

BITS = {f"{kind}{bits}": bits for kind in "bus" for bits in (8, 16, 32, 64)}
FLOATS = {"f16": 16, "bf16": 16, "f32": 32, "f64": 64, "tf32": 32, "e4m3": 8, "e5m2": 8}
PAIRS = {"f16x2": "f16", "bf16x2": "bf16", "u16x2": "u16", "s16x2": "s16", "e4m3x2": "e4m3", "e5m2x2": "e5m2"}
TYPES = {*BITS, *FLOATS, *PAIRS, "pred"}


class NotSpecified(Exception):
    """The manual leaves this open, or the reference does not know it."""


@dataclass(frozen=True)
class Instruction:
    opcode: str
    words: tuple[str, ...]
    types: tuple[str, ...]
    immediate: int

    @classmethod
    @functools.cache
    def read(cls, name: str, immediate: int = 0) -> Instruction:
        opcode, *words = name.split(".")
        types = tuple(word for word in words if word in TYPES)
        return cls(opcode, tuple(words), types, immediate)

    def has(self, word: str) -> bool:
        return word in self.words

    @property
    def type(self) -> str:
        return self.types[-1]

    @property
    def rounding(self) -> str:
        """The rounding mode that is written, or to nearest."""
        return next((word for word in self.words if word in ("rn", "rz", "rm", "rp", "rna")), "rn")


def signed(value: int, bits: int) -> int:
    """The low bits as a number in two's complement."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def number(value: int, kind: str) -> int:
    """The low bits as a type of PTX reads them."""
    bits = BITS[kind]
    return signed(value, bits) if kind[0] == "s" else value & ((1 << bits) - 1)


def kept(value: int, kind: str) -> int:
    """A number as the bits of a type, wrapped around."""
    return value & ((1 << BITS[kind]) - 1)


def clamped(value: int, kind: str) -> int:
    """A number as the bits of a type, limited to its range."""
    bits = BITS[kind]
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if kind[0] == "s" else (0, (1 << bits) - 1)
    return kept(min(max(value, low), high), kind)
