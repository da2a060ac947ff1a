"""Instructions of PTX on the emulation against a reference written from the manual, rounding and NaNs to the bit."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from ptx_reference import Accepted, NotSpecified, reference
from ptx_reference.words import signed
from tests_ptx import HEADER, SLOT, PtxDevice, Shape, bits_of, kernel, operand, shapes

from telerun_executor.emulator.ptx.table import INSTRUCTIONS

KERNELS_PER_MODULE = 100
GROUPS = {  # opcodes, how many sets of operands, one of how many variants is taken
    "sums": ("add sub addc subc sad", 40, 1),
    "products": ("mul mul24 mad mad24 madc fma", 40, 1),
    "quotients": ("div rem rcp sqrt rsqrt", 40, 1),
    "functions": ("sin cos lg2 ex2 tanh testp copysign abs neg", 40, 1),
    "choices": ("min max selp slct", 40, 1),
    "bits": ("popc clz brev bfind bfe bfi bmsk szext fns prmt lop3 dp4a dp2a vabsdiff2 vabsdiff4", 60, 1),
    "logic": ("and or xor not cnot shl shr shf", 40, 1),
    "conversions": ("cvt", 40, 1),
    "comparisons": ("setp", 30, 2),
    "set": ("set", 20, 9),
}


# Moves, memory, meetings of threads and control, of which other tests are.
ELSEWHERE = """
    mov ld ldu st atom red cp cvta isspacep prefetch prefetchu discard applypriority alloca stacksave stackrestore
    membar fence bar barrier mbarrier shfl vote match redux elect activemask mma wmma ldmatrix stmatrix movmatrix
    tex tld4 suld sust bra brx ret exit trap brkpt nanosleep pmevent griddepcontrol
"""


def operand_sets(shape: Shape, count: int) -> list[tuple[int, ...]]:
    choose = random.Random(shape.name)
    found = []
    for _ in range(count):
        values = [operand(kind, choose) for kind in shape.inputs]
        if choose.random() < 0.2 and len(set(shape.sources[:2])) == 1 and len(values) > 1:  # equal, or nearly so
            values[1] = max(values[0] - choose.randint(0, 2), 0) ^ choose.choice(
                (0, 1 << (bits_of(shape.sources[0]) - 1))
            )
        if shape.carry[0]:
            values[-1] &= 1
        found.append(tuple(values))
    return found


def expected(shape: Shape, values: Sequence[int]) -> list[int | Accepted]:
    results = reference(shape.name, values, shape.immediate or 0)
    if len(results) > len(shape.outputs):  # a second destination that this use does not ask for
        results = results[: len(shape.outputs)]
    narrow = {"u8": lambda value: value, "s8": lambda value: signed(value, 8) & 0xFFFF}.get(shape.results[0])
    if narrow and isinstance(results[0], int):  # a register of 16 bits holds it, extended
        results[0] = narrow(results[0])
    return results


def differences(shape: Shape, sets: Sequence[Sequence[int]], output: bytes) -> Iterator[str]:
    width = len(shape.outputs)
    found = struct.unpack(f"<{len(sets) * width}Q", output)
    for number, values in enumerate(sets):
        try:
            wanted = expected(shape, values)
        except NotSpecified:
            continue
        given = found[number * width : (number + 1) * width]
        if not all(
            one == other if isinstance(other, int) else other.holds(one)
            for one, other in zip(given, wanted, strict=True)
        ):
            yield f"{shape.name} {_shown(values)}: {_shown(given)}, expected {_shown(wanted)}"


def _shown(values: Sequence[int | Accepted]) -> str:
    return ", ".join(hex(value) if isinstance(value, int) else repr(value) for value in values)


def test_no_instruction_is_forgotten() -> None:
    compared = " ".join(opcodes for opcodes, *_ in GROUPS.values()).split()
    assert sorted([*compared, *ELSEWHERE.split()]) == sorted(INSTRUCTIONS)


@pytest.mark.parametrize("group", GROUPS)
def test_instructions_agree_with_the_manual(group: str, device: PtxDevice) -> None:
    opcodes, count, step = GROUPS[group]
    wanted = list(shapes(*opcodes.split()))[::step]
    chunks = [wanted[first : first + KERNELS_PER_MODULE] for first in range(0, len(wanted), KERNELS_PER_MODULE)]
    texts = [
        HEADER + "".join(kernel(f"k{n}", shape, untyped=n % 3 == 0) for n, shape in enumerate(chunk))
        for chunk in chunks
    ]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(device.build, texts))
    wrong, known = list[str](), 0
    for chunk, text in zip(chunks, texts, strict=True):
        sets = [operand_sets(shape, count) for shape in chunk]
        launches = []
        for number, (shape, values) in enumerate(zip(chunk, sets, strict=True)):
            padded = [*values, *[values[0]] * (-len(values) % 64)]
            data = b"".join(struct.pack(f"<{len(one)}Q", *one) for one in padded)
            launches.append((f"k{number}", data, len(padded) * len(shape.outputs) * SLOT, len(padded)))
        for shape, values, output in zip(chunk, sets, device.run(text, launches), strict=True):
            wrong += differences(shape, values, output[: len(values) * len(shape.outputs) * SLOT])
            known += 1
    assert not wrong, f"{len(wrong)} of {known * count}:\n" + "\n".join(wrong[:: max(1, len(wrong) // 60)])
