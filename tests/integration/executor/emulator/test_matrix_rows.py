"""`ldmatrix` and `stmatrix` against the manual, and `wmma` fragments loaded in one layout and stored in another."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import pytest
from tests_cuda_corpus import Emulator
from tests_ptx import HEADER, PtxDevice, entry

HALVES = 8  # of 16 bits, in a row
TO_SHARED = """
    .shared .align 16 .b8 tile[512];
    mov.u32 %r1, tile;
    mov.u32 %r2, %laneid;
    mad.lo.u32 %r3, %r2, 16, %r1;
    mad.lo.u32 %r4, %r2, 5, 3;
    and.b32 %r4, %r4, 31;
    mad.lo.u32 %r4, %r4, 16, %r1;
"""


@pytest.fixture(scope="module")
def device(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PtxDevice]:
    opened = PtxDevice(emulator.runtime, tmp_path_factory.mktemp("rows"))
    yield opened
    opened.close()


def row_of(matrix: int, row: int) -> int:
    """The row of the tile that the kernels give as a row of a matrix: lane 8 * matrix + row names it."""
    return (5 * (8 * matrix + row) + 3) % 32


def place(lane: int, half: int, *, transposed: bool) -> tuple[int, int]:
    """Row and column of a lane's half of a register."""
    row, column = lane // 4, 2 * (lane % 4) + half
    return (column, row) if transposed else (row, column)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_ldmatrix_gives_each_lane_its_part_of_every_matrix(device: PtxDevice, count: int, transposed: bool) -> None:
    registers = ", ".join(f"%r{20 + j}" for j in range(count))
    form = f"x{count}{'.trans' * transposed}.shared.b16"
    body = (
        f"{TO_SHARED}    ld.global.v2.b64 {{%d1, %d2}}, [%d98];\n    st.shared.v2.b64 [%r3], {{%d1, %d2}};\n"
        f"    bar.warp.sync -1;\n    ldmatrix.sync.aligned.m8n8.{form} {{{registers}}}, [%r4];\n"
        + "".join(f"    st.global.b32 [%d99+{4 * j}], %r{20 + j};\n" for j in range(count))
    )
    choose = random.Random(count)
    rows = [[choose.randrange(1 << 16) for _ in range(HALVES)] for _ in range(32)]
    given = b"".join(struct.pack("<8H", *row) for row in rows)
    (found,) = device.run(HEADER + entry("k", body, 2, 2), [("k", given, 32 * 16, 32)])
    for lane in range(32):
        halves = struct.unpack_from(f"<{2 * count}H", found, 16 * lane)
        places = [place(lane, half, transposed=transposed) for half in (0, 1)]
        assert list(halves) == [rows[row_of(matrix, row)][column] for matrix in range(count) for row, column in places]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_stmatrix_puts_each_lanes_part_where_ldmatrix_takes_it(device: PtxDevice, count: int, transposed: bool) -> None:
    registers = ", ".join(f"%r{20 + j}" for j in range(count))
    form = f"x{count}{'.trans' * transposed}.shared.b16"
    body = (
        f"{TO_SHARED}    mov.b64 %d1, 0;\n    st.shared.v2.b64 [%r3], {{%d1, %d1}};\n"
        + "".join(f"    ld.global.b32 %r{20 + j}, [%d98+{4 * j}];\n" for j in range(count))
        + f"    bar.warp.sync -1;\n    stmatrix.sync.aligned.m8n8.{form} [%r4], {{{registers}}};\n"
        "    bar.warp.sync -1;\n    ld.shared.v2.b64 {%d1, %d2}, [%r3];\n    st.global.v2.b64 [%d99], {%d1, %d2};\n"
    )
    choose = random.Random(count)
    lanes = [[choose.randrange(1 << 16) for _ in range(8)] for _ in range(32)]
    given = b"".join(struct.pack("<8H", *halves) for halves in lanes)
    (found,) = device.run(HEADER + entry("k", body, 2, 2), [("k", given, 32 * 16, 32)])
    rows = [[0] * HALVES for _ in range(32)]
    for lane, halves in enumerate(lanes):
        for matrix in range(count):
            for half in (0, 1):
                row, column = place(lane, half, transposed=transposed)
                rows[row_of(matrix, row)][column] = halves[2 * matrix + half]
    assert list(struct.unpack("<256H", found)) == [half for row in rows for half in row]


@pytest.mark.parametrize("shape", ["m16n16k16", "m8n32k16", "m32n8k16"])
@pytest.mark.parametrize(("kind", "size", "registers"), [("f32", 4, 8), ("s32", 4, 8), ("f16", 2, 4)])
def test_a_fragment_keeps_its_matrix_between_layouts(
    device: PtxDevice, shape: str, kind: str, size: int, registers: int
) -> None:
    m, n = {"m16n16k16": (16, 16), "m8n32k16": (8, 32), "m32n8k16": (32, 8)}[shape]
    names = ", ".join(f"%{'f' if kind == 'f32' else 'r'}{20 + j}" for j in range(registers))
    columns, rows = m + 8, n + 8  # strides: with gaps
    body = (
        f"    ld.param.u64 %d98, [from];\n    ld.param.u64 %d99, [to];\n"
        f"    wmma.load.c.sync.aligned.col.{shape}.global.{kind} {{{names}}}, [%d98], {columns};\n"
        f"    wmma.store.d.sync.aligned.row.{shape}.global.{kind} [%d99], {{{names}}}, {rows};\n"
    )
    letter = {2: "H", 4: "I"}[size]
    values = random.Random(m).choices(range(1, 30_000), k=columns * n)
    given = struct.pack(f"<{columns * n}{letter}", *values)
    (found,) = device.run(HEADER + entry("k", body, 1, 1), [("k", given, rows * m * size, 32)])
    stored = struct.unpack(f"<{rows * m}{letter}", found)
    for i in range(m):
        for j in range(n):
            assert stored[i * rows + j] == values[j * columns + i]
