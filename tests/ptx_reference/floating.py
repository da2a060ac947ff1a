"""Floating-point arithmetic, functions, selections and tests."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from ptx_reference.floats import (
    FORMATS,
    Accepted,
    Format,
    Number,
    any_nan,
    decode,
    encode,
    near,
    product,
    quotient,
    root,
    total,
)
from ptx_reference.words import FLOATS, PAIRS, Instruction, NotSpecified, signed

ONE = Number(negative=False, size=Fraction(1))


def find(instruction: Instruction) -> Callable[..., Any] | None:
    if instruction.opcode == "slct":
        return _select_by_sign
    if not instruction.types or PAIRS.get(instruction.type, instruction.type) not in FLOATS:
        return None
    one = _KNOWN.get(instruction.opcode)
    if one is None or instruction.type not in PAIRS:
        return one
    return lambda i, *operands: _each_half(one, i, operands)


def _each_half(one: Callable[..., Any], i: Instruction, operands: tuple[int, ...]) -> Any:
    part = Instruction(i.opcode, i.words, (PAIRS[i.type],), i.immediate)
    low, high = (one(part, *(operand >> shift & 0xFFFF for operand in operands)) for shift in (0, 16))
    if isinstance(low, int) and isinstance(high, int):
        return low | high << 16

    def holds(bits: int) -> bool:
        halves = ((low, bits & 0xFFFF), (high, bits >> 16))
        return all(found == wanted if isinstance(wanted, int) else wanted.holds(found) for wanted, found in halves)

    return Accepted(f"({low!r}, {high!r})", holds)


def _form(i: Instruction) -> Format:
    return FORMATS[i.type]


def _read(i: Instruction, *operands: int) -> list[Number | None]:
    return [decode(operand, _form(i), flush=i.has("ftz")) for operand in operands]


def _finished(i: Instruction, value: Number | None, *operands: int) -> Any:
    """The result: limited, rounded, flushed. A NaN of f64 may carry the payload of one that went in."""
    form = _form(i)
    if i.has("sat"):
        if value is None or value.negative:
            return 0
        if value.size is None or value.size > 1:
            value = ONE
    if i.has("relu") and value is not None and value.negative:
        return 0
    if value is None and form.name == "f64":
        return any_nan(form)
    return encode(value, form, i.rounding, flush=i.has("ftz"))


def _add(i: Instruction, a: int, b: int) -> Any:
    first, second = _read(i, a, b)
    if second is not None and i.opcode == "sub":
        second = Number(not second.negative, second.size)
    known = first is not None and second is not None
    return _finished(i, total(first, second, i.rounding) if known else None, a, b)  # type: ignore[arg-type]


def _mul(i: Instruction, a: int, b: int) -> Any:
    first, second = _read(i, a, b)
    return _finished(i, None if first is None or second is None else product(first, second), a, b)


def _fma(i: Instruction, a: int, b: int, c: int) -> Any:
    first, second, third = _read(i, a, b, c)
    value = None if first is None or second is None else product(first, second)
    return _finished(i, None if value is None or third is None else total(value, third, i.rounding), a, b, c)


def _ulps(i: Instruction, value: Number | None, count: float) -> Any:
    """An approximation no farther off than so many units in the last place (of the format's own numbers)."""
    form = _form(i)
    if value is None:
        return any_nan(form) if form.name == "f64" else form.nan
    exact = encode(value, form)
    if value.size is None or value.size == 0 or (exact & (form.sign - 1)) > form.greatest:
        return exact
    if i.has("ftz") and (exact & (form.sign - 1)) < 1 << form.fraction:
        return Accepted("zero, or the least number", lambda bits: (bits & (form.sign - 1)) <= 1 << form.fraction)
    slack = math.ceil(count) + 1

    def holds(bits: int) -> bool:
        return abs(signed(bits, form.bits) - signed(exact, form.bits)) <= slack

    return Accepted(f"{exact:#x} within {slack} units", holds)


def _div(i: Instruction, a: int, b: int) -> Any:
    first, second = _read(i, a, b)
    value = None if first is None or second is None else quotient(first, second)
    if not (i.has("approx") or i.has("full")):
        return _finished(i, value, a, b)
    if second is not None and second.size is not None and second.size > Fraction(2) ** 126:
        raise NotSpecified("an approximate division by a very large number")
    return _ulps(i, value, 2)


def _rcp(i: Instruction, a: int) -> Any:
    (first,) = _read(i, _upper_half(i, a))
    value = None if first is None else quotient(ONE, first)
    if not i.has("approx"):
        return _finished(i, value, a)
    return _upper(value) if i.type == "f64" else _ulps(i, value, 1)


def _upper_half(i: Instruction, a: int) -> int:
    """The approximate reciprocals of f64 that flush "ignore the least significant 32 bits"."""
    return a >> 32 << 32 if i.type == "f64" and i.has("ftz") else a


def _upper(value: Number | None) -> Any:
    """The approximate reciprocals of f64 are right in their upper half only."""
    form = FORMATS["f64"]
    if value is None:
        return any_nan(form)
    exact = encode(value, form, flush=True)
    size = exact & (form.sign - 1)
    if size > form.greatest or size < 1 << form.fraction:
        return Accepted(f"{exact:#x}, roughly", lambda bits: abs((bits >> 32) - (exact >> 32)) <= 1)
    return near(form, decode(exact, form).finite, decode(exact, form).size / 2**18)  # type: ignore[union-attr,operator]


def _sqrt(i: Instruction, a: int) -> Any:
    (first,) = _read(i, _upper_half(i, a))
    value = first
    if first is not None and not first.is_zero:
        value = None if first.negative else Number(negative=False, size=root(first.size) if first.size else None)
    if i.opcode == "rsqrt":
        value = None if value is None else quotient(ONE, value)
        return _upper(value) if i.type == "f64" else _ulps(i, value, 2)
    return _ulps(i, value, 2) if i.has("approx") else _finished(i, value, a)


def _function(compute: Callable[[float], float], relative: float, absolute: float, limit: float) -> Callable[..., Any]:
    """A function that is approximated, with the manual's bounds, for operands no larger than `limit`."""

    def approximated(i: Instruction, a: int) -> Any:
        form = _form(i)
        (first,) = _read(i, a)
        if first is None:
            return form.nan
        if first.size is None or first.size > limit:
            raise NotSpecified("beyond the range for which a bound is given")
        x = math.copysign(float(first.size), -1 if first.negative else 1)
        try:
            value = compute(x)
        except ValueError:
            return form.nan
        if math.isinf(value) or value == 0:
            return encode(Number(value < 0 or math.copysign(1, value) < 0, None if value else Fraction(0)), form)
        if abs(value) > 2.0 ** (form.bias + 1) * 0.99:
            raise NotSpecified("at the end of the format's range")
        unit = Fraction(1, 2**form.fraction)
        bound = (
            Fraction(absolute)
            + abs(Fraction(value)) * (Fraction(relative) + unit)
            + Fraction(2) ** (form.least_exponent - form.fraction)
        )
        if i.has("ftz"):
            bound = max(bound, Fraction(2) ** -126)
        return near(form, value, bound)

    return approximated


def _logarithm(x: float) -> float:
    return math.log2(x) if x else -math.inf


def _pick(i: Instruction, a: int, b: int) -> Any:
    form = _form(i)
    first, second = _read(i, a, b)
    negative = bool((a ^ b) & form.sign)
    if i.has("xorsign"):
        first, second = (one and Number(negative=False, size=one.size) for one in (first, second))
    if first is None or second is None:
        chosen = None if i.has("NaN") else first or second
    else:
        order = sorted((first, second), key=_rank)
        chosen = order[0] if i.opcode == "min" else order[1]
    if chosen is not None and i.has("xorsign"):
        chosen = Number(negative, chosen.size)
    if chosen is None and form.name == "f64":
        return any_nan(form)
    return encode(chosen, form)


def _rank(value: Number) -> tuple[Fraction, int]:
    """The order of numbers, in which -0 comes before +0."""
    size = Fraction(2) ** 2000 if value.size is None else value.size
    return (-size if value.negative else size), 0 if value.negative else 1


def _sign(i: Instruction, a: int) -> Any:
    form = _form(i)
    (value,) = _read(i, a)
    if value is None:
        return any_nan(form)  # "NaN inputs yield an unspecified NaN"
    return encode(Number(not value.negative if i.opcode == "neg" else False, value.size), form)


def _test(i: Instruction, a: int) -> int:
    form = _form(i)
    value = decode(a, form)
    size = None if value is None else value.size
    normal = size is not None and size >= Fraction(2) ** form.least_exponent
    answers = {
        "finite": size is not None,
        "infinite": value is not None and size is None,
        "number": value is not None,
        "notanumber": value is None,
        "normal": normal,
        "subnormal": size is not None and size != 0 and not normal,
    }
    return int(next(answer for word, answer in answers.items() if i.has(word)))


def _copy_sign(i: Instruction, a: int, b: int) -> int:
    form = _form(i)
    return a & form.sign | b & (form.sign - 1)


def _select_by_sign(i: Instruction, a: int, b: int, c: int) -> int:
    if i.types[-1] == "s32":
        return a if signed(c, 32) >= 0 else b
    value = decode(c, FORMATS["f32"], flush=i.has("ftz"))
    return a if value is not None and (value.is_zero or not value.negative) else b


_KNOWN: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("add", "sub"), _add),
    "mul": _mul,
    **dict.fromkeys(("fma", "mad"), _fma),
    "div": _div,
    "rcp": _rcp,
    **dict.fromkeys(("sqrt", "rsqrt"), _sqrt),
    "sin": _function(math.sin, 0, 2**-20.5, math.pi),
    "cos": _function(math.cos, 0, 2**-20.5, math.pi),
    "lg2": _function(_logarithm, 2**-22, 2**-22, 2.0**127),
    "ex2": lambda i, a: _function(
        lambda x: 2.0**x, 2**-7 if i.type == "bf16" else 2**-9.9 if i.type == "f16" else 2**-22, 0, 100
    )(i, a),
    "tanh": lambda i, a: _function(math.tanh, 2**-8 if i.type == "bf16" else 2**-10.9, 0, 2.0**100)(i, a),
    **dict.fromkeys(("min", "max"), _pick),
    **dict.fromkeys(("abs", "neg"), _sign),
    "testp": _test,
    "copysign": _copy_sign,
}
