"""`mma.sync.m8n8k4` of f16: four quad pairs with matrices of their own, in any layout, against a plain product."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Mapping

import pytest
from tests_cuda_corpus import Emulator
from tests_ptx import HEADER, SLOT, PtxDevice, entry, load, store

from telerun_executor.emulator.ptx.table import INSTRUCTIONS

Matrix = dict[tuple[int, int], int]
VARIANTS = sorted(
    name for form in INSTRUCTIONS["mma"] for name in form.variants() if ".m8n8k4." in name and name.count(".f16") >= 2
)


def layouts(name: str) -> tuple[str, str, str, str]:
    """The layouts of A and B, and the types of D and C."""
    *_, a_layout, b_layout, d, _, _, c = name.split(".")
    return a_layout, b_layout, d, c


def place(operand: str, how: str, lane: int, i: int) -> tuple[int, int]:
    """Row and column of a lane's element: the manual's "Matrix Fragments for mma.m8n8k4 with .f16"."""
    half = 4 if lane >= 16 else 0
    if operand == "a":
        return (lane % 4 + half, i) if how == "row" else (i + half, lane % 4)
    if operand == "b":
        return (lane % 4, i + half) if how == "row" else (i, lane % 4 + half)
    if how == "f16":
        return lane % 4 + half, i
    return (lane & 1) + (i & 2) + half, (i & 4) + (lane & 2) + (i & 1)


def registers(operand: str, how: str) -> int:
    return 2 if operand in "ab" else 4 if how == "f16" else 8


def packed(operand: str, how: str, matrix: Mapping[tuple[int, int], int], lane: int) -> list[int]:
    """A lane's fragment as registers of 32 bits."""
    count = registers(operand, how)
    if how == "f32":
        return [struct.unpack("<I", struct.pack("<f", matrix[place(operand, how, lane, i)]))[0] for i in range(count)]
    halves = [matrix[place(operand, how, lane, i)] for i in range(2 * count)]
    return list(struct.unpack(f"<{count}I", struct.pack(f"<{2 * count}e", *halves)))


def kernel(symbol: str, name: str) -> str:
    a_layout, b_layout, d, c = layouts(name)
    body, vectors, slot = "", list[str](), 0
    for operand, how, first in (("a", a_layout, 10), ("b", b_layout, 20), ("c", c, 30)):
        count = registers(operand, how)
        letter = "f" if how == "f32" else "r"
        body += "".join(load(letter, first + index, slot + index) for index in range(count))
        vectors.append("{" + ", ".join(f"%{letter}{first + index}" for index in range(count)) + "}")
        slot += count
    letter, count = "f" if d == "f32" else "r", registers("d", d)
    result = "{" + ", ".join(f"%{letter}{60 + index}" for index in range(count)) + "}"
    body += f"    {name} {', '.join([result, *vectors])};\n"
    body += "".join(store(letter, 60 + index, index) for index in range(count))
    return entry(symbol, body, slot, count)


@pytest.fixture(scope="module")
def device(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PtxDevice]:
    opened = PtxDevice(emulator.runtime, tmp_path_factory.mktemp("quads"))
    yield opened
    opened.close()


def test_each_quad_pair_multiplies_its_own_matrices(device: PtxDevice) -> None:
    choose = random.Random(5)

    def matrix(rows: int, columns: int) -> Matrix:
        return {(i, j): choose.randint(-3, 3) for i in range(rows) for j in range(columns)}

    launches, wanted = list[tuple[str, bytes, int, int]](), list[list[int]]()
    for number, name in enumerate(VARIANTS):
        a_layout, b_layout, d, c = layouts(name)
        quads = [(matrix(8, 4), matrix(4, 8), matrix(8, 8)) for _ in range(4)]
        products = [
            {(i, j): z[i, j] + sum(x[i, k] * y[k, j] for k in range(4)) for i in range(8) for j in range(8)}
            for x, y, z in quads
        ]
        given, expected = list[int](), list[int]()
        for lane in range(32):
            x, y, z = quads[lane % 16 // 4]
            given += packed("a", a_layout, x, lane) + packed("b", b_layout, y, lane) + packed("c", c, z, lane)
            expected += packed("d", d, products[lane % 16 // 4], lane)
        launches.append((f"k{number}", struct.pack(f"<{len(given)}Q", *given), len(expected) * SLOT, 32))
        wanted.append(expected)
    module = HEADER + "".join(kernel(f"k{number}", name) for number, name in enumerate(VARIANTS))
    outputs = device.run(module, launches)
    assert len(VARIANTS) == 16
    for name, expected, output in zip(VARIANTS, wanted, outputs, strict=True):
        assert list(struct.unpack(f"<{len(expected)}Q", output)) == expected, name
