"""Random programs of PTX: every register after every program is what the reference makes of it."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from ptx_reference import Accepted, NotSpecified, reference
from ptx_reference.words import signed
from tests_ptx import HEADER, SLOT, PtxDevice, Shape, bits_of, entry, load, operand, shapes, store

THREADS = 64
STARTING = {"h": 2, "r": 4, "d": 3, "f": 3, "g": 2, "p": 2}  # registers that hold the thread's inputs
KINDS = {"h": "b16", "r": "b32", "d": "b64", "f": "f32", "g": "f64", "p": "pred"}
APPROXIMATE = ("approx", "full", "tanh", "sin", "cos", "lg2", "ex2", "rsqrt")
OPCODES = """
    add sub mul mad fma min max abs neg mov selp slct setp set cvt and or xor not shl shr shf bfe bfi prmt lop3 div rem
    popc clz brev bfind sad mul24 dp4a copysign testp sqrt rcp cnot
"""


def _moves() -> list[Shape]:
    """`mov` between registers of one width, of bits or of numbers."""
    return [Shape(f"mov.{kind}", (kind,), (kind,)) for kind in ("b16", "b32", "b64", "f32", "f64", "u32", "s64")]


BY_OPCODE = {
    opcode: [
        shape
        for shape in (_moves() if opcode == "mov" else shapes(opcode))
        if not any(word in shape.name.split(".") for word in APPROXIMATE) and not any(shape.carry)
    ]
    for opcode in OPCODES.split()
}


@dataclass
class Step:
    """An instruction: registers by letter and number, and perhaps a predicate that guards it."""

    shape: Shape
    results: tuple[str, ...]
    sources: tuple[str, ...]
    guard: str = ""

    def text(self) -> str:
        sources = list(self.sources)
        if self.shape.immediate is not None:
            sources.insert(3, hex(self.shape.immediate))
        words = ", ".join(["|".join(f"%{name}" for name in self.results), *(_written(name) for name in sources)])
        return f"    {self.guard}{self.shape.name} {words};\n"


@dataclass
class Jump:
    """Steps that are left out where a predicate holds, or done several times."""

    steps: list[Step | Jump]
    predicate: str = ""
    times: int = 1


@dataclass
class Program:
    steps: list[Step | Jump] = field(default_factory=list)
    count: dict[str, int] = field(default_factory=lambda: dict(STARTING))


def _written(name: str) -> str:
    return name if name[0].isdigit() or name[0] == "-" else f"%{name}"


def _letters(kind: str) -> str:
    """The registers that may hold a type: a number of f32 may stand in a register of bits."""
    return {"f32": "fr", "f64": "gd", "pred": "p"}.get(kind) or {16: "h", 32: "r", 64: "d"}[bits_of(kind)]


@st.composite
def programs(draw: st.DrawFn) -> Program:
    program = Program()
    program.steps = draw(_steps(program, depth=0))
    return program


@st.composite
def _steps(draw: st.DrawFn, program: Program, depth: int) -> list[Step | Jump]:
    found: list[Step | Jump] = []
    for _ in range(draw(st.integers(1, 14 if depth == 0 else 4))):
        what = draw(st.integers(0, 9)) if depth < 2 else 9
        if what == 0:
            predicate = f"p{draw(st.integers(0, program.count['p'] - 1))}"
            found.append(Jump(draw(_steps(program, depth + 1)), predicate=predicate))
        elif what == 1:
            found.append(Jump(draw(_steps(program, depth + 1)), times=draw(st.integers(2, 3))))
        else:
            found.append(draw(_step(program, fresh=depth == 0)))  # none are new inside a jump: they might never be
    return found


@st.composite
def _step(draw: st.DrawFn, program: Program, *, fresh: bool) -> Step:
    shape = draw(st.sampled_from(BY_OPCODE[draw(st.sampled_from(sorted(BY_OPCODE)))]))
    sources = []
    for number, kind in enumerate(shape.sources):
        letter = draw(st.sampled_from(_letters(kind)))
        if number == 1 and kind[0] in "us" and "x" not in kind and draw(st.integers(0, 3)) == 0:
            value = draw(st.integers(-4, 40)) if kind[0] == "s" else draw(st.integers(0, 70))
            sources.append(str(value))
        else:
            sources.append(f"{letter}{draw(st.integers(0, program.count[letter] - 1))}")
    guard = ""
    if draw(st.integers(0, 5)) == 0:
        guard = f"@{'!' * draw(st.integers(0, 1))}%p{draw(st.integers(0, program.count['p'] - 1))} "
    results: list[str] = []
    for kind in shape.results:
        letter = draw(st.sampled_from(_letters(kind)))
        if fresh and not guard and program.count[letter] < 60 and draw(st.booleans()):
            program.count[letter] += 1
            results.append(f"{letter}{program.count[letter] - 1}")
        else:
            place = draw(st.integers(0, program.count[letter] - 1))
            if f"{letter}{place}" in results:
                place = (place + 1) % program.count[letter]
            results.append(f"{letter}{place}")
    return Step(shape, tuple(results), tuple(sources), guard)


def text_of(name: str, program: Program) -> str:
    inputs = [(letter, index) for letter, count in STARTING.items() for index in range(count)]
    outputs = [(letter, index) for letter, count in program.count.items() for index in range(count)]
    body = "".join(load(letter, index, slot) for slot, (letter, index) in enumerate(inputs))
    body += "".join(_text(program.steps, iter(range(1000)), depth=0))
    body += "".join(store(letter, index, slot) for slot, (letter, index) in enumerate(outputs))
    return entry(name, body, len(inputs), len(outputs))


def _text(steps: list[Step | Jump], labels: Iterator[int], depth: int) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Step):
            yield step.text()
        elif step.predicate:
            label = next(labels)
            yield f"    @%{step.predicate} bra $after{label};\n"
            yield from _text(step.steps, labels, depth + 1)
            yield f"$after{label}:\n"
        else:
            label, counter = next(labels), f"%r{90 + depth}"
            yield f"    mov.u32 {counter}, {step.times};\n$again{label}:\n"
            yield from _text(step.steps, labels, depth + 1)
            yield f"    sub.u32 {counter}, {counter}, 1;\n    setp.ne.u32 %p{90 + depth}, {counter}, 0;\n"
            yield f"    @%p{90 + depth} bra $again{label};\n"


def evaluate(steps: list[Step | Jump], registers: dict[str, int]) -> None:
    """What the reference makes of the registers. Raises NotSpecified where a result is not known to the bit."""
    for step in steps:
        if isinstance(step, Jump):
            if not (step.predicate and registers[step.predicate]):
                for _ in range(step.times):
                    evaluate(step.steps, registers)
            continue
        if step.guard and registers[step.guard.strip("@!% ")] == ("!" in step.guard):
            continue
        values = [
            registers[name] if name in registers else int(name) & ((1 << bits_of(kind)) - 1)
            for name, kind in zip(step.sources, step.shape.sources, strict=True)
        ]
        results = reference(step.shape.name, values, step.shape.immediate or 0)
        for name, kind, value in zip(step.results, step.shape.results, results, strict=False):
            if isinstance(value, Accepted):
                raise NotSpecified(step.shape.name)
            registers[name] = signed(value, 8) & 0xFFFF if kind == "s8" else value


@pytest.mark.timeout(300)
@settings(
    max_examples=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large,
                           HealthCheck.large_base_example],
)  # fmt: skip
@given(batch=st.lists(programs(), min_size=2, max_size=8), seed=st.integers(0, 2**32))
def test_random_programs_agree_with_the_reference(device: PtxDevice, batch: list[Program], seed: int) -> None:
    text = HEADER + "".join(text_of(f"k{number}", program) for number, program in enumerate(batch))
    choose = random.Random(seed)
    inputs = [
        {
            f"{letter}{index}": operand(KINDS[letter], choose)
            for letter, count in STARTING.items()
            for index in range(count)
        }
        for _ in range(THREADS)
    ]
    data = b"".join(struct.pack(f"<{len(one)}Q", *one.values()) for one in inputs)
    launches = [(f"k{n}", data, THREADS * sum(one.count.values()) * SLOT, THREADS) for n, one in enumerate(batch)]
    for number, (program, output) in enumerate(zip(batch, device.run(text, launches), strict=True)):
        names = [f"{letter}{index}" for letter, count in program.count.items() for index in range(count)]
        for thread, registers in enumerate(inputs):
            found = dict(
                zip(names, struct.unpack_from(f"<{len(names)}Q", output, thread * len(names) * SLOT), strict=True)
            )
            wanted = dict.fromkeys(names, 0) | registers
            try:
                evaluate(program.steps, wanted)
            except NotSpecified:
                continue
            if found != wanted:
                note(text_of(f"k{number}", program))
                note("".join(f"{name} = {value:#x}\n" for name, value in registers.items()))
            assert {name: hex(value) for name, value in found.items()} == {
                name: hex(value) for name, value in wanted.items()
            }
