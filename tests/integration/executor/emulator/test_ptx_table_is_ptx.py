"""The table of instructions against NVIDIA's own assembler: what we take for PTX, it takes too."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests_cuda_corpus import no_compiler
from tests_ptx import Shape, register_of, registers, shapes

from telerun_executor.emulator.ptx.table import INSTRUCTIONS
from telerun_executor.toolchains.discovery import find_cuda_tools

HEADER = ".version 8.6\n.target sm_90\n.address_size 64\n"
HARMLESS = (
    r"Illegal modifier '\.sat' for instruction 'cvt'",  # where nothing can need clamping
    r"requires \.target sm_1\d\d or higher",
)


def _written(shape: Shape) -> str:
    results = "|".join(f"%{register_of(kind)}{number}" for number, kind in enumerate(shape.results))
    sources = [f"%{register_of(kind)}{10 + number}" for number, kind in enumerate(shape.sources)]
    if shape.immediate is not None:
        sources.insert(3, hex(shape.immediate))
    return f"{shape.name} {', '.join([results, *sources])};"


def _all() -> list[str]:
    """Every variant of the forms whose operands are registers with types."""
    opcodes = [
        opcode
        for opcode, forms in INSTRUCTIONS.items()
        if opcode != "alloca"  # its constant is an alignment
        and any(operand.written for form in forms for operand in form.operands)
        and not any(form.meets for form in forms)
        and not any(operand.type in ("mem", "vec", "any", "target") for form in forms for operand in form.operands)
    ]
    written = [_written(shape) for shape in shapes(*opcodes)]
    # From bf16 to a byte it wants registers of a byte, which our tests have none of.
    return [text for text in written if not re.match(r"cvt\.\w+\.[us]8\.bf16", text)]


def test_the_assembler_takes_every_variant(tmp_path: Path) -> None:
    if reason := no_compiler():
        pytest.skip(reason)
    tools = find_cuda_tools()
    assert tools.nvcc
    instructions = _all()
    assert len(instructions) > 2000
    source = tmp_path / "all.ptx"
    head = f"{HEADER}.visible .entry k()\n{{\n{registers(32)}"
    source.write_text(head + "\n".join(instructions) + "\nret;\n}\n")
    ptxas = tools.nvcc.top / "bin" / "ptxas"
    done = subprocess.run(
        [str(ptxas), "-arch", "sm_90", "-O0", str(source), "-o", str(tmp_path / "cubin")],
        capture_output=True,
        text=True,
        timeout=100,
    )
    refused = list[str]()
    for line, message in re.findall(r"line (\d+); error\s*: (.*)", done.stderr):
        if not any(re.search(pattern, message) for pattern in HARMLESS):
            refused.append(f"{instructions[int(line) - head.count(chr(10)) - 1]} {message}")
    assert not refused, "\n".join(refused[:20])
    assert done.returncode == 0 or "error" in done.stderr, done.stderr
