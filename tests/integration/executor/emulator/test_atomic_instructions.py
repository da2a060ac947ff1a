"""What each atomic operation leaves in memory and gives back, against a reference written from the manual."""

from __future__ import annotations

import random
import re
import struct

import pytest
from ptx_reference import Accepted, reference
from ptx_reference.words import number
from tests_ptx import HEADER, PtxDevice, bits_of, entry, load, memory_type, operand, register_of, store

from telerun_executor.emulator.ptx.table import INSTRUCTIONS

SETS = 64


def instructions(space: str) -> list[str]:
    """`atom.global.add.u32` and the like, one for each operation and type; orders and scopes change nothing here."""
    names = {name for opcode in ("atom", "red") for form in INSTRUCTIONS[opcode] for name in form.variants()}
    plain = re.compile(rf"(atom|red)\.{space}\.(add|min|max|inc|dec|and|or|xor|exch|cas)(\.noftz)?\.\w+")
    return sorted(name for name in names if plain.fullmatch(name))


def after(name: str, old: int, b: int, c: int) -> int | Accepted:
    """What memory holds afterwards."""
    _, space, operation, *_, kind = name.split(".")
    if operation == "add" and kind in ("f32", "f64"):
        flushed = ".ftz" if kind == "f32" and space == "global" else ""  # "flushes subnormal inputs and results"
        return reference(f"add.rn{flushed}.{kind}", (old, b))[0]
    if operation == "add" and "f16" in kind:
        return reference(f"add.rn.{kind}", (old, b))[0]
    if operation in ("add", "min", "max"):
        return reference(f"{operation}.{kind}", (old, b))[0]
    if operation in ("and", "or", "xor"):
        return reference(f"{operation}.{kind}", (old, b))[0]
    if operation == "inc":
        return 0 if old >= b else old + 1
    if operation == "dec":
        return b if old == 0 or old > b else old - 1
    if operation == "exch":
        return b
    return c if number(old, kind.replace("b", "u")) == number(b, kind.replace("b", "u")) else old


def kernel(name: str, instruction: str, space: str) -> str:
    """Each thread has a cell of its own: results are what was found there, and what is there afterwards."""
    opcode, *_, kind = instruction.split(".")
    letter = register_of(kind)
    body = "".join(load(letter, index, index) for index in range(3))
    body += "    mov.u32 %r80, %tid.x;\n    mov.u64 %d80, cells;\n    mad.wide.u32 %d80, %r80, 16, %d80;\n"
    cell = "%d80" if space == "shared" else "%d99+8"
    body += f"    st.{space}.{memory_type(letter)} [{cell}], %{letter}0;\n"
    body += f"    mov.{memory_type(letter)} %{letter}3, %{letter}0;\n"
    found = f"%{letter}3, " if opcode == "atom" else ""
    third = f", %{letter}2" if ".cas." in instruction else ""
    body += f"    {instruction} {found}[{cell}], %{letter}1{third};\n"
    body += f"    ld.{space}.{memory_type(letter)} %{letter}4, [{cell}];\n"
    body += store(letter, 3, 0) + store(letter, 4, 1)
    return entry(name, body, 3, 2)


@pytest.mark.parametrize("space", ["global", "shared"])
def test_atomics(device: PtxDevice, space: str) -> None:
    names = instructions(space)
    assert len(names) > 40
    text = HEADER + ".shared .align 16 .b8 cells[1024];\n"
    launches, inputs = [], []
    for count, name in enumerate(names):
        choose, kind = random.Random(name), name.rpartition(".")[2]
        sets = [[operand(kind, choose) for _ in range(3)] for _ in range(SETS)]
        for one in sets[::3]:
            one[1] = one[0]  # as compare-and-swap wants it
        text += kernel(f"k{count}", name, space)
        launches.append((f"k{count}", b"".join(struct.pack("<3Q", *one) for one in sets), SETS * 16, SETS))
        inputs.append(sets)
    wrong = []
    for name, sets, output in zip(names, inputs, device.run(text, launches), strict=True):
        mask = (1 << bits_of(name.rpartition(".")[2])) - 1
        for (old, b, c), (found, left) in zip(sets, struct.iter_unpack("<2Q", output), strict=True):
            wanted = after(name, old & mask, b & mask, c & mask)
            holds = left == wanted if isinstance(wanted, int) else wanted.holds(left)
            if found != old & mask or not holds:
                wrong.append(f"{name} {old:#x}, {b:#x}, {c:#x}: {found:#x} and {left:#x}, expected {wanted!r}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:: max(1, len(wrong) // 40)])
