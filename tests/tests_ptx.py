"""Kernels made of single instructions: how they are written as PTX, run on the emulation and read back."""

from __future__ import annotations

import pickle
import random
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ptx_reference.floats import FORMATS
from ptx_reference.words import PAIRS

from telerun_executor.emulator.build import build_kernels, library_name
from telerun_executor.emulator.ptx.forms import Form
from telerun_executor.emulator.ptx.table import INSTRUCTIONS

HEADER = ".version 8.6\n.target sm_80\n.address_size 64\n"
SLOT = 8  # bytes of an operand or result in memory

_REGISTERS = {"pred": "p", "f32": "f", "f64": "g"}


@dataclass(frozen=True)
class Shape:
    """An instruction with the types of its operands: what a program needs to use it.

    Attributes:
        name: as PTX writes it, `add.rn.ftz.f32`.
        results: the types of its destinations; a second one is a predicate.
        sources: the types of its operands.
        immediate: a constant operand after the others, if it has one.
    """

    name: str
    results: tuple[str, ...]
    sources: tuple[str, ...]
    immediate: int | None = None

    @property
    def carry(self) -> tuple[bool, bool]:
        """Whether it takes a carry, and whether it leaves one."""
        opcode, *words = self.name.split(".")
        return opcode in ("addc", "subc", "madc"), "cc" in words

    @property
    def inputs(self) -> tuple[str, ...]:
        return (*self.sources, *(("b32",) if self.carry[0] else ()))

    @property
    def outputs(self) -> tuple[str, ...]:
        return (*self.results, *(("b32",) if self.carry[1] else ()))


def shapes(*opcodes: str) -> Iterator[Shape]:
    """Every variant of some opcodes in the emulation's table."""
    for opcode in opcodes:
        names = set[str]()
        for form in INSTRUCTIONS[opcode]:
            for number, name in enumerate(form.variants()):
                if name not in names:
                    names.add(name)
                    modifiers = form.match(name.removeprefix(opcode))
                    if modifiers is not None:
                        yield _shape(form, name, modifiers, number)


def _shape(form: Form, name: str, modifiers: Mapping[str, str], number: int) -> Shape:
    results, sources, immediate = list[str](), list[str](), None
    for operand in form.operands:
        kind = operand.resolved(modifiers)
        if operand.type == "imm":
            immediate = (0xE8, 0x96, 0x01, 0x7F, 0xCA)[number % 5]
        elif operand.type == "!pred":
            if not (operand.optional and not modifiers.get("bool")):
                sources.append("pred")
        elif operand.written:
            assert kind is not None, name
            paired = operand.with_predicate and (
                number % 2 == 0 or "x2" in modifiers.get("T", "") or form.opcode == "lop3"
            )
            results += [kind.name, "pred"] if paired else [kind.name]
        else:
            assert kind is not None, name
            sources.append(kind.name)
    return Shape(name, tuple(results), tuple(sources), immediate)


def bits_of(kind: str) -> int:
    """The width of a type's register."""
    return {"pred": 1, "tf32": 32}.get(kind) or max(16, _width(kind))


def _width(kind: str) -> int:
    base, paired, _ = kind.partition("x2")
    known = {"e4m3": 8, "e5m2": 8, "bf16": 16}
    width = known.get(base) or int(base.lstrip("busf"))
    return width * 2 if paired else width


def register_of(kind: str, *, untyped: bool = False) -> str:
    """The letter of a register that holds a type; with `untyped` a floating-point number stands in one of bits."""
    letter = _REGISTERS.get(kind)
    if letter and not (untyped and letter != "p"):
        return letter
    return {16: "h", 32: "r", 64: "d"}[bits_of(kind)]


def memory_type(letter: str) -> str:
    return {"h": "b16", "r": "b32", "d": "b64", "f": "f32", "g": "f64"}[letter]


def registers(count: int) -> str:
    kinds = {"p": "pred", "h": "b16", "r": "b32", "d": "b64", "f": "f32", "g": "f64"}
    return "".join(f"    .reg .{kind} %{letter}<{count}>;\n" for letter, kind in kinds.items())


def load(letter: str, index: int, slot: int) -> str:
    """From the thread's inputs into a register."""
    if letter == "p":
        return f"    ld.global.b32 %r99, [%d98+{slot * SLOT}];\n    setp.ne.u32 %p{index}, %r99, 0;\n"
    return f"    ld.global.{memory_type(letter)} %{letter}{index}, [%d98+{slot * SLOT}];\n"


def store(letter: str, index: int, slot: int) -> str:
    """From a register to the thread's outputs; the rest of the slot is zero."""
    clear = f"    st.global.b64 [%d99+{slot * SLOT}], 0;\n"
    if letter == "p":
        return f"{clear}    selp.b32 %r99, 1, 0, %p{index};\n    st.global.b32 [%d99+{slot * SLOT}], %r99;\n"
    return f"{clear}    st.global.{memory_type(letter)} [%d99+{slot * SLOT}], %{letter}{index};\n"


def entry(name: str, body: str, inputs: int, outputs: int) -> str:
    """A kernel in which %d98 is the address of the thread's inputs and %d99 that of its outputs."""
    return (
        f".visible .entry {name}(.param .u64 from, .param .u64 to)\n{{\n{registers(100)}"
        "    ld.param.u64 %d98, [from];\n    ld.param.u64 %d99, [to];\n"
        "    mov.u32 %r97, %ctaid.x;\n    mov.u32 %r98, %ntid.x;\n    mov.u32 %r99, %tid.x;\n"
        "    mad.lo.u32 %r97, %r97, %r98, %r99;\n"
        f"    mad.wide.u32 %d98, %r97, {inputs * SLOT}, %d98;\n    mad.wide.u32 %d99, %r97, {outputs * SLOT}, %d99;\n"
        f"{body}    ret;\n}}\n"
    )


def kernel(name: str, shape: Shape, *, untyped: bool = False) -> str:
    """A kernel that does one instruction."""
    letters = [register_of(kind, untyped=untyped) for kind in shape.inputs]
    results = [register_of(kind, untyped=untyped) for kind in shape.outputs]
    body = "".join(load(letter, 10 + n, n) for n, letter in enumerate(letters))
    takes, leaves = shape.carry
    if takes:
        body += f"    add.cc.u32 %r96, %r{10 + len(shape.sources)}, 0xffffffff;\n"
    sources = [f"%{letter}{10 + n}" for n, letter in enumerate(letters[: len(shape.sources)])]
    if shape.immediate is not None:
        sources.insert(3, hex(shape.immediate))
    destination = "|".join(f"%{letter}{n}" for n, letter in enumerate(results[: len(shape.results)]))
    body += f"    {shape.name} {', '.join([destination, *sources])};\n"
    if leaves:
        body += f"    addc.u32 %r{len(shape.results)}, 0, 0;\n"
    body += "".join(store(letter, n, n) for n, letter in enumerate(results))
    return entry(name, body, len(shape.inputs), len(results))


def operand(kind: str, choose: random.Random) -> int:
    """Bits of a type, edge cases often."""
    if kind == "pred":
        return choose.getrandbits(1)
    if kind in PAIRS and PAIRS[kind] in FORMATS:
        bits = bits_of(kind) // 2
        return (
            operand(PAIRS[kind], choose) & ((1 << bits) - 1)
            | (operand(PAIRS[kind], choose) & ((1 << bits) - 1)) << bits
        )
    if kind in FORMATS:
        return _floating(kind, choose)
    bits = bits_of(kind)
    edges = (0, 1, 2, 7, 31, 32, 33, 63, 64, 1 << (bits - 1), (1 << (bits - 1)) - 1, (1 << bits) - 1, (1 << bits) - 2)
    spread = choose.getrandbits(choose.randint(1, bits))
    return choose.choice((choose.choice(edges), spread, choose.getrandbits(bits), (1 << bits) - 1 - spread)) & (
        (1 << bits) - 1
    )


def _floating(kind: str, choose: random.Random) -> int:
    form = FORMATS[kind]
    least_normal = 1 << form.fraction
    one = form.bias << form.fraction
    edges = (
        0, 1, least_normal - 1, least_normal, least_normal + 1, one - 1, one, one + 1, form.greatest, form.greatest + 1,
        form.greatest + 2, form.nan, form.greatest + 1 | least_normal >> 1,
        (form.bias + form.fraction) << form.fraction,
    )  # fmt: skip
    sign = choose.choice((0, form.sign))
    near_one = ((form.bias + choose.randint(-8, 8)) << form.fraction) | choose.getrandbits(form.fraction)
    if kind in ("f32", "f64") and choose.random() < 0.15:  # a whole number or a half, as conversions meet them
        value = choose.choice((-1, 1)) * choose.getrandbits(choose.randint(1, 66)) / 2
        try:
            return int.from_bytes(struct.pack("<f" if kind == "f32" else "<d", value), "little")
        except OverflowError:
            return form.greatest
    return choose.choice((choose.choice(edges) | sign, near_one | sign, near_one | sign, choose.getrandbits(form.bits)))


class PtxDevice:
    """The emulation in a process of its own, to which kernels are handed as PTX."""

    def __init__(self, runtime: Path, folder: Path) -> None:
        self._folder = folder
        self._child = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("ptx_device.py")), str(runtime / "libcudart.so")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", "TELERUN_EMULATOR_KERNELS": str(folder), "TELERUN_EMULATOR_CHECKS": "0"},
        )

    def build(self, ptx: str) -> None:
        """Translate and compile ahead; several threads may do so at once."""
        library = self._folder / library_name(ptx.encode(), 0)
        if not library.exists():
            build_kernels(ptx, library, 0)

    def run(self, ptx: str, launches: Sequence[tuple[str, bytes, int, int]]) -> list[bytes]:
        """Launch kernels of a module: name, inputs, bytes of output, threads."""
        self.build(ptx)
        assert self._child.stdin
        assert self._child.stdout
        body = pickle.dumps((ptx, list(launches)))
        self._child.stdin.write(len(body).to_bytes(8, "little") + body)
        self._child.stdin.flush()
        size = int.from_bytes(self._child.stdout.read(8), "little")
        answer = pickle.loads(self._child.stdout.read(size))
        assert isinstance(answer, list), answer
        return answer

    def close(self) -> None:
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.close()
        self._child.wait(30)
        self._child.stdout.close()
