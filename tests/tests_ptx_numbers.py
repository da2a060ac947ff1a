"""Floating-point formats as exact numbers: what an instruction has to give when its result is rounded once."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple


class Format(NamedTuple):
    bits: int
    fraction: int
    nan: int

    @property
    def bias(self) -> int:
        return (1 << (self.bits - self.fraction - 2)) - 1

    @property
    def infinity(self) -> int:
        return ((1 << (self.bits - self.fraction - 1)) - 1) << self.fraction

    @property
    def sign(self) -> int:
        return 1 << (self.bits - 1)

    def edges(self) -> list[int]:
        """Zero, the least and greatest of each kind, one and its neighbours, infinity and a NaN, of both signs."""
        one = self.bias << self.fraction
        found = [
            0, 1, 2, (1 << self.fraction) - 1, 1 << self.fraction, one - 1, one, one + 1,
            one + (1 << self.fraction) - 1,
            one + (5 << self.fraction) + 3, (one * 4 // 3) | 1, self.infinity - 1, self.infinity, self.nan - 2,
        ]  # fmt: skip
        return [value | sign for value in found for sign in (0, self.sign)]

    def value(self, bits: int) -> Fraction | float:
        """The number, or infinity or a NaN as a float; a zero keeps its sign as a float."""
        sign, size = (-1 if bits & self.sign else 1), bits & (self.sign - 1)
        if size >= self.infinity:
            return math.nan if size > self.infinity else sign * math.inf
        if size == 0:
            return sign * 0.0
        exponent, fraction = size >> self.fraction, size & ((1 << self.fraction) - 1)
        if exponent:
            fraction |= 1 << self.fraction
        return sign * Fraction(fraction) * Fraction(2) ** (max(exponent, 1) - self.bias - self.fraction)

    def rounded(self, value: Fraction | float, mode: str, zero_sign: int = 1) -> int:
        """The bits of an exact value, rounded once; `zero_sign` is that of an exact zero."""
        if isinstance(value, float):
            if math.isnan(value):
                return self.nan
            if math.isinf(value):
                return self.infinity | (self.sign if value < 0 else 0)
            return self.sign if math.copysign(1, value) < 0 else 0
        if value == 0:
            return self.sign if zero_sign < 0 else 0
        negative, size = value < 0, abs(value)
        exponent = max(size.numerator.bit_length() - size.denominator.bit_length(), -self.bias)
        while exponent > 1 - self.bias and size < Fraction(2) ** exponent:
            exponent -= 1
        while size >= Fraction(2) ** (exponent + 1):
            exponent += 1
        exponent = max(exponent, 1 - self.bias)
        scaled = size / Fraction(2) ** (exponent - self.fraction)
        kept, rest = scaled.numerator // scaled.denominator, scaled - scaled.numerator // scaled.denominator
        half = Fraction(1, 2)
        up = {
            "rn": rest > half or (rest == half and kept & 1),
            "rz": False,
            "rm": negative and rest > 0,
            "rp": not negative and rest > 0,
        }[mode]
        kept += bool(up)
        bits = kept + ((exponent + self.bias - 1) << self.fraction)
        if bits >= self.infinity:
            toward_zero = mode == "rz" or (mode == "rm" and not negative) or (mode == "rp" and negative)
            bits = self.infinity - 1 if toward_zero else self.infinity
        return bits | (self.sign if negative else 0)


F16, BF16, F32, F64 = (
    Format(16, 10, 0x7FFF), Format(16, 7, 0x7FFF), Format(32, 23, 0x7FFFFFFF), Format(64, 52, 0x7FF8 << 48),
)  # fmt: skip
FORMATS = {"f16": F16, "bf16": BF16, "f32": F32, "f64": F64}


def negative(value: Fraction | float) -> bool:
    """Also of -0."""
    return value < 0 or (isinstance(value, float) and math.copysign(1, value) < 0)


def is_zero(value: Fraction | float) -> bool:
    return value == 0


def sum_of(a: Fraction | float, b: Fraction | float, mode: str) -> tuple[Fraction | float, int]:
    """The exact sum and the sign of a zero."""
    infinite = [value for value in (a, b) if isinstance(value, float) and not is_zero(value)]
    if infinite:
        return sum(infinite), 1
    if is_zero(a) and is_zero(b):
        signs = {math.copysign(1, value) for value in (a, b)}
        return Fraction(0), int(signs.pop()) if len(signs) == 1 else (-1 if mode == "rm" else 1)
    total = Fraction(a) + Fraction(b)
    return total, -1 if mode == "rm" else 1


def product_of(a: Fraction | float, b: Fraction | float) -> Fraction | float:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a * b
    if any(isinstance(value, float) and math.isnan(value) for value in (a, b)):
        return math.nan
    sign = -1 if negative(a) != negative(b) else 1
    if any(isinstance(value, float) and math.isinf(value) for value in (a, b)):
        return math.nan if is_zero(a) or is_zero(b) else sign * math.inf
    return sign * 0.0


def quotient_of(a: Fraction | float, b: Fraction | float) -> Fraction | float:
    if isinstance(b, Fraction):
        return product_of(a, 1 / b)
    if math.isnan(b):
        return math.nan
    return product_of(a, math.copysign(0.0, b) if math.isinf(b) else math.copysign(math.inf, b))
