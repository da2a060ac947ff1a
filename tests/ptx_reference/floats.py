"""Floating-point formats: bits to exact numbers and back, rounded in every mode."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Format:
    """A binary format; `greatest` is its largest finite number, `nan` the NaN that instructions give."""

    name: str
    bits: int
    fraction: int
    bias: int
    greatest: int
    nan: int

    @property
    def sign(self) -> int:
        return 1 << (self.bits - 1)

    @property
    def least_exponent(self) -> int:
        return 1 - self.bias


FORMATS = {
    "f16": Format("f16", 16, 10, 15, 0x7BFF, 0x7FFF),
    "bf16": Format("bf16", 16, 7, 127, 0x7F7F, 0x7FFF),
    "tf32": Format("tf32", 19, 10, 127, 0x3FBFF, 0x3FFFF),
    "e4m3": Format("e4m3", 8, 3, 7, 0x7E, 0x7F),
    "e5m2": Format("e5m2", 8, 2, 15, 0x7B, 0x7F),
    "f32": Format("f32", 32, 23, 127, 0x7F7FFFFF, 0x7FFFFFFF),
    "f64": Format("f64", 64, 52, 1023, 0x7FEFFFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF),
}


@dataclass(frozen=True)
class Number:
    """A sign and a size; the size is `None` for an infinity. A NaN is no Number but None."""

    negative: bool
    size: Fraction | None

    @property
    def finite(self) -> Fraction:
        assert self.size is not None
        return -self.size if self.negative else self.size

    @property
    def is_infinite(self) -> bool:
        return self.size is None

    @property
    def is_zero(self) -> bool:
        return self.size == 0


class Accepted:
    """Any of several results: what the manual allows."""

    def __init__(self, text: str, holds: Callable[[int], bool]) -> None:
        self.text = text
        self.holds = holds

    def __repr__(self) -> str:
        return self.text


def any_nan(form: Format) -> Accepted:
    return Accepted(f"a NaN of {form.name}", lambda bits: decode(bits, form) is None)


def near(form: Format, value: float | Fraction, bound: Fraction) -> Accepted:
    """A number no farther than `bound` from `value`."""
    exact = Fraction(value)

    def holds(bits: int) -> bool:
        found = decode(bits, form)
        return found is not None and found.size is not None and abs(found.finite - exact) <= bound

    return Accepted(f"{float(exact)!r} within {float(bound)!r}", holds)


def decode(bits: int, form: Format, *, flush: bool = False) -> Number | None:
    """The number of some bits, None for a NaN. With `flush` a subnormal number is zero."""
    bits &= (1 << form.bits) - 1
    negative, size = bool(bits & form.sign), bits & (form.sign - 1)
    if size > form.greatest:
        is_infinity = size == form.greatest + 1 and form.name != "e4m3"
        return Number(negative, None) if is_infinity else None
    exponent, fraction = size >> form.fraction, size & ((1 << form.fraction) - 1)
    if exponent == 0:
        return Number(negative, Fraction(0) if flush else _scaled(fraction, form.least_exponent - form.fraction))
    return Number(negative, _scaled(fraction | 1 << form.fraction, exponent - form.bias - form.fraction))


def encode(
    value: Number | None, form: Format, mode: str = "rn", *, flush: bool = False, satfinite: bool = False
) -> int:
    """The bits of a number, rounded once."""
    if value is None:
        return form.nan
    sign = form.sign if value.negative else 0
    if value.size is None:
        return sign | (form.greatest if satfinite else form.greatest + 1)
    if value.size == 0:
        return sign
    exponent = max(_exponent(value.size), form.least_exponent)
    units = value.size * _scaled(1, form.fraction - exponent)
    whole = units.numerator // units.denominator
    rest = units - whole
    up = {
        "rn": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1),
        "rna": rest >= Fraction(1, 2),
        "rz": False,
        "rm": value.negative and rest > 0,
        "rp": not value.negative and rest > 0,
    }[mode]
    bits = ((exponent - form.least_exponent) << form.fraction) + whole + up
    if bits > form.greatest:
        away = mode in ("rn", "rna") or (mode == "rm" and value.negative) or (mode == "rp" and not value.negative)
        bits = form.greatest + (1 if away and not satfinite else 0)
    if flush and bits < 1 << form.fraction:
        bits = 0
    return sign | bits


def root(size: Fraction) -> Fraction:
    """A square root, exact or with enough places and half a unit more, so that rounding it is right in every mode."""
    places = 200 + max(0, -_exponent(size))
    scaled = size * 4**places
    whole = math.isqrt(scaled.numerator // scaled.denominator)
    exact = scaled.denominator == 1 and whole * whole == scaled.numerator
    return (Fraction(whole) + (0 if exact else Fraction(1, 2))) / 2**places


def total(first: Number, second: Number, mode: str) -> Number | None:
    """The exact sum of two numbers, with the sign of a zero as IEEE 754 wants it."""
    if first.is_infinite or second.is_infinite:
        if first.is_infinite and second.is_infinite and first.negative != second.negative:
            return None
        return first if first.is_infinite else second
    value = first.finite + second.finite
    if value == 0:
        negative = first.negative if first.negative == second.negative else mode == "rm"
        return Number(negative, Fraction(0))
    return Number(value < 0, abs(value))


def product(first: Number, second: Number) -> Number | None:
    negative = first.negative != second.negative
    if first.size is None or second.size is None:
        return None if first.is_zero or second.is_zero else Number(negative, None)
    return Number(negative, first.size * second.size)


def quotient(first: Number, second: Number) -> Number | None:
    negative = first.negative != second.negative
    if first.size is None:
        return None if second.size is None else Number(negative, None)
    if second.size is None:
        return Number(negative, Fraction(0))
    if second.size == 0:
        return None if first.size == 0 else Number(negative, None)
    return Number(negative, first.size / second.size)


def _scaled(value: int, exponent: int) -> Fraction:
    return Fraction(value << exponent) if exponent >= 0 else Fraction(value, 1 << -exponent)


def _exponent(size: Fraction) -> int:
    """The exponent of a positive number: 2 ** it <= size < 2 ** (it + 1)."""
    guess = size.numerator.bit_length() - size.denominator.bit_length()
    return guess if size >= _scaled(1, guess) else guess - 1
