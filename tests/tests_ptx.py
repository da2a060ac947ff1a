"""Instructions of PTX, run without nvcc: PTX text is translated, compiled by gcc and called in this process."""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from telerun_executor.emulator.build import KERNEL_FLAGS, SOURCES
from telerun_executor.emulator.codegen import translate
from telerun_executor.emulator.codegen.identifiers import identifier
from telerun_executor.emulator.ptx.forms import Form, FormOperand
from telerun_executor.emulator.ptx.table import find
from telerun_executor.emulator.ptx.types import TYPES, Type

SLOT_BYTES = 8
HEAD = ".version 8.6\n.target sm_90\n.address_size 64\n"
_PARAMETERS_OFFSET = 32  # of `parameters` in EmuThread
_REGISTERS = ".reg .pred %p<16>; .reg .b16 %h<16>; .reg .b32 %r<16>; .reg .b64 %d<32>;"
_PREFIX = {1: "h", 2: "h", 4: "r", 8: "d"}

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


class PtxLibrary:
    """Kernels that a single thread runs; what needs other threads is not there.

    `run` gives a kernel its parameters as bytes.
    """

    def __init__(self, ptx: str, folder: Path) -> None:
        source, library = folder / "kernels.c", folder / "kernels.so"
        text = translate(ptx)
        # The kernels are static; the test calls them by name.
        source.write_text(text.replace("static void function_", "void function_"))
        flags = (
            *KERNEL_FLAGS,
            "-O1",
            "-march=native",
            "-Wl,-z,lazy",
            f"-I{SOURCES}",
            "-o",
            str(library),
            str(source),
            "-lm",
        )
        subprocess.run(["gcc", *flags], check=True, timeout=100)
        self._library = ctypes.CDLL(str(library), mode=1)  # lazy: what is never called need not be there

    def run(self, kernel: str, parameters: bytes) -> None:
        function = getattr(self._library, f"function_{identifier(kernel)}")
        buffer = ctypes.create_string_buffer(parameters, max(len(parameters), 1))
        thread = ctypes.create_string_buffer(4096)
        struct.pack_into("<Q", thread, _PARAMETERS_OFFSET, ctypes.addressof(buffer))
        function(thread)


def compiled(ptx: str) -> PtxLibrary:
    """A callable library from PTX text."""
    with tempfile.TemporaryDirectory() as folder:
        return PtxLibrary(ptx, Path(folder))


def instruction_kernel(name: str, instruction: str, immediates: Mapping[str, int] | None = None) -> str:
    """A kernel that applies one instruction to every row of a table.

    It takes (rows in, rows out, count). A row in has a slot of eight bytes for each source, in the order of the table
    (and not for constants); a row out has one for each destination. Constants come from `immediates`.
    """
    opcode, dot, rest = instruction.partition(".")
    form, modifiers = find(opcode, dot + rest)
    sources = [operand for operand in form.operands if not operand.written and operand.type != "imm"]
    lines, texts, results = list[str](), list[str](), list[tuple[str, Type]]()
    for operand in form.operands:
        if operand.written:
            texts.append(_result(operand, modifiers, results))
        elif operand.type == "imm":
            texts.append(str((immediates or {}).get(operand.name, 0)))
        else:
            texts.append(_source(operand, modifiers, sources.index(operand), lines))
    lines.append(f"{instruction} {', '.join(texts)};")
    for index, (register, kind) in enumerate(results):
        if kind.kind == "p":
            lines.append(f"selp.b64 %d10, 1, 0, {register};")
        else:
            bits = max(kind.bits, 16)
            lines.append(f"cvt.u64.u{bits} %d10, {register};" if bits < 64 else f"mov.b64 %d10, {register};")
        lines.append(f"st.global.b64 [%d21+{index * SLOT_BYTES}], %d10;")
    body = "\n  ".join(lines)
    return f"""
.visible .entry {name}(.param .u64 {name}_in, .param .u64 {name}_out, .param .u64 {name}_count)
{{
  {_REGISTERS}
  .reg .pred %more;
  ld.param.u64 %d20, [{name}_in];
  ld.param.u64 %d21, [{name}_out];
  ld.param.u64 %d22, [{name}_count];
again:
  setp.eq.u64 %more, %d22, 0;
  @%more bra done;
  {body}
  add.u64 %d20, %d20, {len(sources) * SLOT_BYTES};
  add.u64 %d21, %d21, {len(results) * SLOT_BYTES};
  sub.u64 %d22, %d22, 1;
  bra again;
done:
  ret;
}}
"""


def apply(library: PtxLibrary, name: str, rows: Sequence[Sequence[int]], results: int = 1) -> list[tuple[int, ...]]:
    """What `instruction_kernel`'s kernel gives for rows of raw bits."""
    width = len(rows[0])
    given = struct.pack(f"<{len(rows) * width}Q", *(value & (1 << 64) - 1 for row in rows for value in row))
    source = ctypes.create_string_buffer(given, max(len(given), 1))
    target = ctypes.create_string_buffer(len(rows) * results * SLOT_BYTES)
    library.run(name, struct.pack("<QQQ", ctypes.addressof(source), ctypes.addressof(target), len(rows)))
    found = struct.unpack(f"<{len(rows) * results}Q", target.raw)
    return [found[index * results : (index + 1) * results] for index in range(len(rows))]


def expressions(form: Form) -> Iterator[str]:
    """The variants of a form that one thread can run on registers alone: what `instruction_kernel` takes."""
    if form.meets or any(operand.type in ("mem", "vec", "any", "reg", "target") for operand in form.operands):
        return
    yield from form.variants()


def _result(operand: FormOperand, modifiers: Mapping[str, str], results: list[tuple[str, Type]]) -> str:
    kind = operand.resolved(modifiers)
    assert kind is not None
    register = "%p14" if kind.kind == "p" else f"%{_PREFIX[kind.size]}14"
    results.append((register, kind))
    if operand.with_predicate:
        results.append(("%p15", TYPES["pred"]))
        return f"{register}|%p15"
    return register


def _source(operand: FormOperand, modifiers: Mapping[str, str], index: int, lines: list[str]) -> str:
    kind = TYPES["pred"] if operand.type == "!pred" else operand.resolved(modifiers)
    assert kind is not None
    offset = index * SLOT_BYTES
    if kind.kind == "p":
        lines += [f"ld.global.u32 %r{index}, [%d20+{offset}];", f"setp.ne.u32 %p{index}, %r{index}, 0;"]
        return f"%p{index}"
    register = f"%{_PREFIX[kind.size]}{index}"
    lines.append(f"ld.global.b{max(kind.bits, 16)} {register}, [%d20+{offset}];")
    return register
