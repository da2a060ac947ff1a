"""`mma.sync` of every shape and type against a plain product, with fragments laid out as the manual says.

Elements are whole numbers that every format holds, so the products are exact whatever the order of the sums.
"""

from __future__ import annotations

import random
import re
import struct
from fractions import Fraction

from ptx_reference.floats import FORMATS, Number, decode, encode
from ptx_reference.words import signed
from tests_ptx import HEADER, PtxDevice, entry

from telerun_executor.emulator.ptx.table import INSTRUCTIONS

BITS = {"f16": 16, "bf16": 16, "tf32": 32, "f32": 32, "f64": 64, "s8": 8, "u8": 8, "s4": 4, "u4": 4, "b1": 1, "s32": 32}
BITS |= {"e4m3": 8, "e5m2": 8}
Matrix = list[list[int]]


def instructions() -> list[str]:
    names = {name for form in INSTRUCTIONS["mma"] for name in form.variants()}
    of_volta = re.compile(r"m8n8k4\..*\.f16\.f16\.")  # its layout is of its own
    return sorted(name for name in names if not of_volta.search(name))


class Mma:
    """An instruction's shape and types, and where each element of its matrices stands."""

    def __init__(self, name: str) -> None:
        self.name = name
        shape, *types = re.findall(r"m\d+n\d+k\d+|(?<=\.)(?:[a-z]+\d+(?:m\d)?)(?=\.|$)", name.replace("row.col.", ""))
        self.m, self.n, self.k = (int(part) for part in re.findall(r"\d+", shape))
        self.d, self.a, self.b, self.c = (kind for kind in types if kind in BITS)

    def place_of_a(self, lane: int, index: int) -> tuple[int, int]:
        """Row and column of a lane's element: registers alternate between the upper and the lower eight rows."""
        per_register = max(1, 32 // BITS[self.a])
        register, inside = divmod(index, per_register)
        halves = self.m // 8
        return lane // 4 + 8 * (
            register % halves
        ), lane % 4 * per_register + register // halves * 4 * per_register + inside

    def place_of_b(self, lane: int, index: int) -> tuple[int, int]:
        per_register = max(1, 32 // BITS[self.b])
        register, inside = divmod(index, per_register)
        return lane % 4 * per_register + register * 4 * per_register + inside, lane // 4

    def place_of_c(self, lane: int, index: int) -> tuple[int, int]:
        return lane // 4 + 8 * (index // 2), lane % 4 * 2 + index % 2


def to_bits(value: int, kind: str) -> int:
    if kind in FORMATS:
        bits = encode(Number(value < 0, Fraction(abs(value))), FORMATS[kind])
        return bits << 13 if kind == "tf32" else bits
    return value & ((1 << BITS[kind]) - 1)


def from_bits(bits: int, kind: str) -> int | Fraction:
    if kind in FORMATS:
        found = decode(bits, FORMATS[kind])
        assert found is not None
        return found.finite
    return signed(bits, BITS[kind])


def registers(matrix: Matrix, place, lane: int, count: int, kind: str) -> list[int]:
    """A lane's registers, elements packed from the lowest bits on."""
    width = max(32, BITS[kind])
    per_register = width // BITS[kind]
    packed = [0] * (count // per_register)
    for index in range(count):
        row, column = place(lane, index)
        packed[index // per_register] |= to_bits(matrix[row][column], kind) << (index % per_register * BITS[kind])
    return packed


def values(kind: str, rows: int, columns: int, choose: random.Random) -> Matrix:
    low, high = {"b1": (0, 1), "s4": (-8, 7), "u4": (0, 15), "s8": (-128, 127), "u8": (0, 255)}.get(kind, (-3, 3))
    return [[choose.randint(low, high) for _ in range(columns)] for _ in range(rows)]


def product(mma: Mma, a: Matrix, b: Matrix, c: Matrix) -> Matrix:
    def element(row: int, column: int) -> int:
        pairs = [(a[row][k], b[k][column]) for k in range(mma.k)]
        if mma.a == "b1":
            value = sum(x & y for x, y in pairs) if ".and." in mma.name else sum(x ^ y for x, y in pairs)
        else:
            value = sum(x * y for x, y in pairs)
        value += c[row][column]
        if mma.d != "s32":
            return value
        return min(max(value, -(2**31)), 2**31 - 1) if "satfinite" in mma.name else signed(value, 32)

    return [[element(row, column) for column in range(mma.n)] for row in range(mma.m)]


def kernel(name: str, mma: Mma, counts: tuple[int, int, int, int]) -> str:
    body, slot, lists = "", 0, list[str]()
    kinds = [(mma.a, 10), (mma.b, 30), (mma.c, 50)]
    for (kind, first), count in zip(kinds, counts[:3], strict=True):
        letter, word = ("g", "f64") if kind == "f64" else ("r", "b32")
        for number in range(count):
            body += f"    ld.global.{word} %{letter}{first + number}, [%d98+{slot * 8}];\n"
            slot += 1
        lists.append("{" + ",".join(f"%{letter}{first + number}" for number in range(count)) + "}")
    letter, word = ("g", "f64") if mma.d == "f64" else ("r", "b32")
    result = "{" + ",".join(f"%{letter}{70 + number}" for number in range(counts[3])) + "}"
    body += f"    {mma.name} {', '.join([result, *lists])};\n"
    for number in range(counts[3]):
        body += f"    st.global.b64 [%d99+{number * 8}], 0;\n"
        body += f"    st.global.{word} [%d99+{number * 8}], %{letter}{70 + number};\n"
    return entry(name, body, slot, counts[3])


def test_every_mma_is_a_product(device: PtxDevice) -> None:
    every = [Mma(name) for name in instructions()]
    assert len(every) > 50
    text, launches, wanted = HEADER, [], []
    for number, mma in enumerate(every):
        choose = random.Random(mma.name)
        a, b = values(mma.a, mma.m, mma.k, choose), values(mma.b, mma.k, mma.n, choose)
        c = [[choose.randint(-9, 9) for _ in range(mma.n)] for _ in range(mma.m)]
        if mma.c == "s32":
            c = [[choose.choice((value, 2**31 - 1 - abs(value), -(2**31) + abs(value))) for value in row] for row in c]
        elements = (mma.m * mma.k // 32, mma.k * mma.n // 32, mma.m * mma.n // 32)
        data = b""
        for lane in range(32):
            words = registers(a, mma.place_of_a, lane, elements[0], mma.a)
            counts_a = len(words)
            words += registers(b, mma.place_of_b, lane, elements[1], mma.b)
            counts_b = len(words) - counts_a
            words += registers(c, mma.place_of_c, lane, elements[2], mma.c)
            counts_c = len(words) - counts_a - counts_b
            data += struct.pack(f"<{len(words)}Q", *words)
        results = elements[2] * BITS[mma.d] // max(32, BITS[mma.d])
        text += kernel(f"k{number}", mma, (counts_a, counts_b, counts_c, results))
        launches.append((f"k{number}", data * 2, 64 * results * 8, 64))  # both warps of a block do the same
        wanted.append((mma, elements[2], results, product(mma, a, b, c)))
    wrong = []
    for (mma, count, results, matrix), output in zip(wanted, device.run(text, launches), strict=True):
        width = max(32, BITS[mma.d])
        for thread, words in enumerate(struct.iter_unpack(f"<{results}Q", output)):
            for index in range(count):
                per_register = width // BITS[mma.d]
                bits = words[index // per_register] >> (index % per_register * BITS[mma.d]) & ((1 << BITS[mma.d]) - 1)
                row, column = mma.place_of_c(thread % 32, index)
                if from_bits(bits, mma.d) != matrix[row][column]:
                    wrong.append(f"{mma.name} [{row}][{column}]: {bits:#x}, expected {matrix[row][column]}")
    assert not wrong, f"{len(wrong)} of {len(every)} instructions' elements:\n" + "\n".join(
        wrong[:: max(1, len(wrong) // 40)]
    )
