"""Cubins are read as they are, and damaged ones never crash or hang the reader."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telerun_executor.asm.cubin import Cubin, MalformedCubin
from telerun_executor.asm.debug_line import MAX_DEPTH, MalformedTable, decode

FUZZ = settings(max_examples=200, deadline=None)
CHANGES = st.lists(st.tuples(st.integers(0, 1 << 30), st.integers(0, 255)), min_size=1, max_size=12)


def damaged(data: bytes, changes: list[tuple[int, int]], size: int) -> bytes:
    changed = bytearray(data)
    for position, value in changes:
        changed[position % len(changed)] = value
    return bytes(changed[: size % (2 * len(data))])


def test_a_real_cubin(cubin: bytes) -> None:
    read = Cubin.parse(cubin)
    assert read.arch == "sm_90"
    assert set(read.kernels) == {"_Z6reducePKfPf", "_Z5otherPi"}
    assert all(size > 0 and size % 128 == 0 for size in read.kernels.values())
    assert read.constant_bytes["_Z6reducePKfPf"] == read.constant_bytes["_Z5otherPi"] + 8  # one parameter more
    table = read.lines()
    chains = [
        [(Path(file).name, line) for file, line in table.chain("_Z6reducePKfPf", address)]
        for address in range(0, read.kernels["_Z6reducePKfPf"], 16)
    ]
    assert {chain[-1] for chain in chains} == {
        ("cell.cu", 3),
        ("cell.cu", 4),
        ("cell.cu", 5),
        ("cell.cu", 6),
        ("cell.cu", 7),
    }
    assert max(len(chain) for chain in chains) >= 4
    assert table.chain("_Z5otherPi", 0)[-1][1] == 8
    assert table.chain("no such kernel", 0) == []
    assert table.chain("_Z5otherPi", -16) == []


@FUZZ
@given(changes=CHANGES, size=st.integers(0, 1 << 30))
def test_damaged_cubins_are_malformed_or_read(cubin: bytes, changes: list[tuple[int, int]], size: int) -> None:
    with contextlib.suppress(MalformedCubin, MalformedTable):
        read = Cubin.parse(damaged(cubin, changes, size))
        assert read.kernels is not None
        assert read.constant_bytes is not None
        read.lines()


@FUZZ
@given(changes=CHANGES, size=st.integers(0, 1 << 30))
def test_damaged_line_tables_are_malformed_or_decoded(cubin: bytes, changes: list[tuple[int, int]], size: int) -> None:
    content = dict(Cubin.parse(cubin).sections)[".debug_line"]
    data = damaged(content, changes, size)
    with contextlib.suppress(MalformedTable):
        table = decode(data, {offset: ("f", offset) for offset in range(0, len(data), 5)})
        assert len(table.rows) <= len(data)
        for address in range(0, 1000, 16):
            assert len(table.chain("f", address)) <= MAX_DEPTH


@FUZZ
@given(data=st.binary(max_size=400))
def test_any_bytes_are_no_cubin_and_a_table_or_not(data: bytes) -> None:
    with pytest.raises(MalformedCubin):
        Cubin.parse(data)
    with contextlib.suppress(MalformedTable):
        decode(data, {})


def test_only_regular_files_are_read(tmp_path: Path, cubin: bytes) -> None:
    (tmp_path / "real.cubin").write_bytes(cubin)
    (tmp_path / "link.cubin").symlink_to("real.cubin")
    os.mkfifo(tmp_path / "pipe.cubin")
    assert Cubin.read(tmp_path / "real.cubin").arch == "sm_90"
    for name in ("link.cubin", "pipe.cubin", "none.cubin"):
        with pytest.raises(OSError, match=name):
            Cubin.read(tmp_path / name)
