"""Every conversion between numbers, against exact arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import pytest
from tests_ptx import HEAD, PtxLibrary, apply, compiled, instruction_kernel, needs_gcc
from tests_ptx_numbers import F64, FORMATS

from telerun_executor.emulator.ptx.table import INSTRUCTIONS, find

pytestmark = needs_gcc

INTEGERS = {f"{kind}{bits}": (kind == "s", bits) for kind in "us" for bits in (8, 16, 32, 64)}


def _plain(instruction: str) -> bool:
    """One number to one number."""
    _, modifiers = find("cvt", instruction.removeprefix("cvt"))
    known = {*FORMATS, *INTEGERS}
    return {modifiers.get("D"), modifiers.get("S")} <= known


CONVERSIONS = sorted({
    variant for form in INSTRUCTIONS["cvt"] for variant in form.variants() if "pack" not in variant and _plain(variant)
})  # fmt: skip


def bounds(kind: str) -> tuple[int, int]:
    signed, bits = INTEGERS[kind]
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def samples(kind: str) -> list[int]:
    """Bits of interesting numbers of a type."""
    if kind in INTEGERS:
        _, bits = INTEGERS[kind]
        places = [
            0,
            1,
            2,
            3,
            5,
            100,
            127,
            128,
            129,
            255,
            2047,
            2049,
            4097,
            65504,
            65519,
            65520,
            (1 << 24) + 1,
            (1 << 24) + 3,
        ]
        places += [(1 << 53) + 1, (1 << 53) + 3, (1 << 63) + 1025, (1 << 40) + (1 << 16) + 1]
        return sorted(
            {
                sign * value + more & (1 << bits) - 1
                for value in places
                for sign in (1, -1)
                for more in (0, 1 << (bits - 1))
            }
        )
    form = FORMATS[kind]
    numbers = [
        0.25,
        0.5,
        0.75,
        1.5,
        2.5,
        126.5,
        127.5,
        255.5,
        256,
        32767.5,
        65535.5,
        65536,
        8388607.5,
        2**31,
        2**32,
        2**63,
        2**64,
        1e-40,
    ]
    found = {form.rounded(Fraction(number), "rn") for number in numbers}
    found |= {bits | form.sign for bits in found}
    return sorted(found | set(form.edges()))


def expected(modifiers: Mapping[str, str], bits: int) -> int | None:
    """The bits of the result; `None` for an f64 NaN, whose payload is free."""
    target, source, rnd = modifiers["D"], modifiers["S"], modifiers.get("rnd", "")
    value: Fraction | float | int
    if source in INTEGERS:
        signed, width = INTEGERS[source]
        value = bits & (1 << width) - 1
        value -= (1 << width) if signed and value >> (width - 1) else 0
        value = Fraction(value)
    else:
        form = FORMATS[source]
        if modifiers.get("ftz") and source == "f32" and not bits & form.infinity:
            bits &= form.sign
        value = form.value(bits)
    if rnd in ("rni", "rzi", "rmi", "rpi") and isinstance(value, Fraction):
        whole = {"rni": round, "rzi": math.trunc, "rmi": math.floor, "rpi": math.ceil}[rnd](value)
        value = Fraction(whole) if whole or target in INTEGERS else math.copysign(0.0, value)
    if target in INTEGERS:
        return _integer(target, source, value, wraps=source in INTEGERS and not modifiers.get("sat"))
    result = FORMATS[target]
    if isinstance(value, float) and math.isnan(value) and target == "f64" and not modifiers.get("sat"):
        return None
    if modifiers.get("sat"):
        if (isinstance(value, float) and math.isnan(value)) or value <= 0:
            return 0
        value = min(Fraction(1), value) if isinstance(value, Fraction) else Fraction(1)
    if modifiers.get("relu") and value <= 0:
        value = 0.0
    found = result.rounded(value, rnd if rnd in ("rn", "rz", "rm", "rp") else "rn")
    if modifiers.get("ftz") and target == "f32" and not found & result.infinity:
        found &= result.sign
    if modifiers.get("satfinite") and found & result.infinity == result.infinity and found != result.nan:
        found -= (found & ~result.sign) - (result.infinity - 1)
    return found


def _integer(target: str, source: str, value: Fraction | float, *, wraps: bool) -> int:
    low, high = bounds(target)
    width = INTEGERS[target][1]
    if isinstance(value, float) and math.isnan(value):
        return 1 << (width - 1) if source == "f64" or width == 64 else 0
    if wraps:
        return int(value) & (1 << width) - 1
    whole = (high if value > 0 else low) if isinstance(value, float) and math.isinf(value) else int(value)
    return min(max(whole, low), high) & (1 << width) - 1


@pytest.fixture(scope="module")
def library() -> PtxLibrary:
    return compiled(HEAD + "".join(instruction_kernel(variant.replace(".", "_"), variant) for variant in CONVERSIONS))


@pytest.mark.parametrize("target", sorted({*FORMATS, *INTEGERS}))
def test_a_conversion_rounds_once_and_clamps_as_it_says(library: PtxLibrary, target: str) -> None:
    for instruction in CONVERSIONS:
        _, modifiers = find("cvt", instruction.removeprefix("cvt"))
        if modifiers["D"] != target:
            continue
        given = samples(modifiers["S"])
        found = apply(library, instruction.replace(".", "_"), [(bits,) for bits in given])
        width = INTEGERS[target][1] if target in INTEGERS else FORMATS[target].bits
        for bits, (result,) in zip(given, found, strict=True):
            wanted = expected(modifiers, bits)
            kept = result & (1 << width) - 1
            if wanted is None:
                assert kept & F64.infinity == F64.infinity, instruction
            else:
                assert kept == wanted, f"{instruction} of {bits:#x}: {kept:#x}, not {wanted:#x}"
