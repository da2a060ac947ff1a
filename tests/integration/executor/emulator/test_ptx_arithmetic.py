"""Floating-point instructions against exact arithmetic: every rounding, every format, the numbers at all edges."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

import pytest
from tests_ptx import HEAD, PtxLibrary, apply, compiled, instruction_kernel, needs_gcc
from tests_ptx_numbers import F64, FORMATS, Format, product_of, quotient_of, sum_of

pytestmark = needs_gcc


def expected(op: str, kind: Format, mode: str, row: Sequence[int]) -> int:
    a, b, *rest = (kind.value(bits) for bits in row)
    if op == "add":
        return kind.rounded(*_with_mode(sum_of(a, b, mode), mode))
    if op == "sub":
        return kind.rounded(*_with_mode(sum_of(a, -b, mode), mode))
    if op == "mul":
        return kind.rounded(product_of(a, b), mode)
    if op == "div":
        return kind.rounded(quotient_of(a, b), mode)
    return kind.rounded(*_with_mode(sum_of(product_of(a, b), rest[0], mode), mode))


def _with_mode(found: tuple[Fraction | float, int], mode: str) -> tuple[Fraction | float, str, int]:
    return found[0], mode, found[1]


MODES = ("rn", "rz", "rm", "rp")
CASES = [
    *itertools.product(("add", "sub", "mul", "div", "fma"), ("f32", "f64"), MODES),
    *itertools.product(("add", "sub", "mul", "fma"), ("f16", "bf16"), ("rn",)),
]


@pytest.fixture(scope="module")
def library() -> PtxLibrary:
    return compiled(
        HEAD + "".join(instruction_kernel("_".join(case), f"{case[0]}.{case[2]}.{case[1]}") for case in CASES)
    )


def rows(op: str, kind: Format) -> Iterator[tuple[int, ...]]:
    edges = kind.edges()
    if op != "fma":
        yield from itertools.product(edges, repeat=2)
        return
    yield from itertools.product(edges[::4], edges[1::3], edges)


@pytest.mark.parametrize(("op", "kind", "mode"), CASES)
def test_a_result_is_the_exact_one_rounded_once(library: PtxLibrary, op: str, kind: str, mode: str) -> None:
    given = list(rows(op, FORMATS[kind]))
    found = apply(library, f"{op}_{kind}_{mode}", given)
    for row, (bits,) in zip(given, found, strict=True):
        wanted = expected(op, FORMATS[kind], mode, row)
        if kind == "f64" and wanted == F64.nan:  # f64 hands payloads on
            assert bits & F64.infinity == F64.infinity, f"{op} {[hex(value) for value in row]}"
            assert bits & ((1 << 51) - 1) or bits & (1 << 51), "quiet"
        else:
            assert bits == wanted, f"{op}.{mode}.{kind} {[hex(value) for value in row]}: {bits:#x}, not {wanted:#x}"
