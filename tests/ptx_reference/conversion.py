"""Comparisons and conversions."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from ptx_reference.floats import FORMATS, Accepted, Number, any_nan, decode, encode
from ptx_reference.words import BITS, FLOATS, PAIRS, Instruction, NotSpecified, clamped, kept, number, signed

ONE = Number(negative=False, size=Fraction(1))
_ORDERED = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "lo": "<",
    "ls": "<=",
    "hi": ">",
    "hs": ">=",
}


def find(instruction: Instruction) -> Callable[..., Any] | None:
    return {"setp": _setp, "set": _set, "cvt": _convert}.get(instruction.opcode)


def _compared(i: Instruction, kind: str, a: int, b: int) -> bool:
    how = i.words[0]
    if kind in BITS:
        return _relation(how, number(a, kind), number(b, kind))
    first, second = (decode(one, FORMATS[kind], flush=i.has("ftz")) for one in (a, b))
    if first is None or second is None:
        return how == "nan" or (how.endswith("u") and how != "num")
    if how in ("num", "nan"):
        return how == "num"
    far = Fraction(2) ** 2000
    x, y = (one.finite if one.size is not None else -far if one.negative else far for one in (first, second))
    return _relation(how.removesuffix("u"), x, y)


def _relation(how: str, x: int | Fraction, y: int | Fraction) -> bool:
    relation = _ORDERED[how]
    if relation in ("==", "!="):
        return (x == y) == (relation == "==")
    return (x < y or (x == y and "=" in relation)) if relation[0] == "<" else (x > y or (x == y and "=" in relation))


def _combined(i: Instruction, value: bool, c: int) -> bool:
    if i.has("and"):
        return value and bool(c)
    if i.has("or"):
        return value or bool(c)
    return value != bool(c) if i.has("xor") else value


def _halves(i: Instruction, a: int, b: int, kind: str) -> list[bool]:
    if kind not in PAIRS:
        return [_compared(i, kind, a, b)]
    return [_compared(i, PAIRS[kind], a >> shift & 0xFFFF, b >> shift & 0xFFFF) for shift in (0, 16)]


def _setp(i: Instruction, a: int, b: int, c: int = 0) -> tuple[int, ...]:
    found = _halves(i, a, b, i.type)
    second = found[1] if len(found) == 2 else not found[0]
    return int(_combined(i, found[0], c)), int(_combined(i, second, c))


_TRUE = {"f32": 0x3F800000, "f16": 0x3C00, "bf16": 0x3F80}


def _set(i: Instruction, a: int, b: int, c: int = 0) -> int:
    target, kind = i.types
    found = [_combined(i, one, c) for one in _halves(i, a, b, kind)]
    if len(found) == 1:
        return (_TRUE.get(target) or kept(-1, target)) if found[0] else 0
    true = _TRUE.get(PAIRS.get(target, ""), 0xFFFF)
    return (true if found[0] else 0) | (true if found[1] else 0) << 16


def _convert(i: Instruction, *operands: int) -> Any:
    if i.has("pack"):
        return _pack(i, *operands)
    target, source = i.types
    if target in PAIRS or source in PAIRS:
        return _convert_pair(i, target, source, *operands)
    return _convert_one(i, target, source, operands[0])


def _convert_one(i: Instruction, target: str, source: str, a: int) -> Any:
    if source in BITS:
        value = number(a, source)
        if target in BITS:
            return clamped(value, target) if i.has("sat") else kept(value, target)
        exact = Number(value < 0, Fraction(abs(value)))
        return encode(_limited(i, exact), FORMATS[target], i.rounding)
    if i.has("ftz") and "f32" not in (source, target):
        raise NotSpecified("only numbers of f32 are flushed")
    found = decode(a, FORMATS[source], flush=i.has("ftz") and source == "f32")
    if target in BITS:
        return _to_integer(i, target, source, found)
    if i.has("relu") and found is not None and found.negative:
        found = Number(negative=False, size=Fraction(0))
    integral = next((word for word in i.words if word in ("rni", "rzi", "rmi", "rpi")), None)
    if integral and found is not None and found.size is not None:
        found = Number(found.negative, Fraction(abs(_rounded(found.finite, integral))))
    if found is None and not i.has("sat"):
        return any_nan(FORMATS[target]) if target == "f64" else _as_register(target, FORMATS[target].nan)
    result = encode(
        _limited(i, found),
        FORMATS[target],
        i.rounding,
        flush=i.has("ftz") and target == "f32",
        satfinite=i.has("satfinite"),
    )
    return _as_register(target, result)


def _as_register(target: str, bits: int) -> Any:
    """A tf32 stands in the upper 19 bits of a register; what is below does not count."""
    if target != "tf32":
        return bits
    nan = bits == FORMATS["tf32"].nan
    return Accepted(f"{bits << 13:#x}", lambda found: _is_nan(found) if nan else found >> 13 == bits)


def _is_nan(bits: int) -> bool:
    return decode(bits, FORMATS["f32"]) is None


def _limited(i: Instruction, value: Number | None) -> Number | None:
    if not i.has("sat"):
        return value
    if value is None or value.negative:
        return Number(negative=False, size=Fraction(0))
    return ONE if value.size is None or value.size > 1 else value


def _rounded(value: Fraction, mode: str) -> int:
    return {"rni": round, "rzi": math.trunc, "rmi": math.floor, "rpi": math.ceil}[mode](value)


def _to_integer(i: Instruction, target: str, source: str, value: Number | None) -> int:
    if value is None:
        return 0 if source != "f64" and target not in ("s64", "u64") else 1 << (BITS[target] - 1)
    mode = next(word for word in i.words if word in ("rni", "rzi", "rmi", "rpi"))
    if value.size is None:
        return clamped(-(1 << 100) if value.negative else 1 << 100, target)
    return clamped(_rounded(value.finite, mode), target)


def _convert_pair(i: Instruction, target: str, source: str, *operands: int) -> Any:
    part = PAIRS[target]
    if source in PAIRS:
        bits = FLOATS[PAIRS[source]]
        halves = [operands[0] & ((1 << bits) - 1), operands[0] >> bits & ((1 << bits) - 1)]
        low, high = (_convert_one(i, part, PAIRS[source], half) for half in halves)
    else:
        low, high = _convert_one(i, part, source, operands[1]), _convert_one(i, part, source, operands[0])
    return low | high << FLOATS[part]


def _pack(i: Instruction, a: int, b: int, c: int = 0) -> int:
    target = i.types[0]
    bits = BITS[target]
    low, high = (clamped(signed(one, 32), target) for one in (b, a))
    packed = low | high << bits
    return packed if bits == 16 else (packed | c << 16) & 0xFFFFFFFF
