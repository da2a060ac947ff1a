"""The scalar types of PTX."""

from __future__ import annotations

from typing import NamedTuple


class Type(NamedTuple):
    """A type as an instruction names it.

    Attributes:
        size: in bytes.
        kind: `b` bits, `u` unsigned, `s` signed, `f` a floating-point type that C has, `h` one that is kept as its
            bits (half precision, packed and smaller formats), `p` a predicate.
        c: the C type of a value.
    """

    name: str
    size: int
    kind: str
    c: str

    @property
    def bits(self) -> int:
        return self.size * 8


def _types() -> dict[str, Type]:
    found = [Type("pred", 1, "p", "_Bool"), Type("f32", 4, "f", "float"), Type("f64", 8, "f", "double")]
    for size in (1, 2, 4, 8):
        for kind, c in (("b", "uint"), ("u", "uint"), ("s", "int")):
            found.append(Type(f"{kind}{size * 8}", size, kind, f"{c}{size * 8}_t"))
    found.append(Type("b128", 16, "b", "ptx_u128"))
    kept = {2: "f16 bf16 e4m3x2 e5m2x2 ue8m0x2", 4: "f16x2 bf16x2 tf32 u16x2 s16x2 u8x4 s8x4", 1: "e4m3 e5m2"}
    for size, names in kept.items():
        found += [Type(name, size, "h", f"uint{size * 8}_t") for name in names.split()]
    return {kind.name: kind for kind in found}


TYPES = _types()


def wide(kind: Type) -> Type:
    """The integer type of twice the width: what `mul.wide` gives."""
    return TYPES[f"{kind.kind}{kind.bits * 2}"]
