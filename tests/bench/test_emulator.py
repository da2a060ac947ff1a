"""What the emulation of CUDA costs: translating PTX, compiling it, and running it beside plain C++ of one thread."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest
from tests_cuda_corpus import Emulator, no_compiler

from telerun_executor.emulator.build import build_kernels
from telerun_executor.emulator.codegen import translate
from telerun_executor.emulator.fatbinary import ptx_of_program

ROUNDS = 3
PROGRAM = Path(__file__).parent / "emulator.cu"
NAMES = {
    "matmul_tiled": "tiled matrix product of 256x256",
    "matmul_naive": "plain matrix product of 256x256",
    "nbody": "2048 bodies",
    "collatz": "200 000 Collatz sequences",
    "barriers": "2000 barriers of 1024 threads",
    "launches": "10 000 launches of 32 threads",
}
CHECKS = {"none": 0, "memory,init,barriers": 7, "all": 15}


def test_emulated_kernels_beside_plain_code(tmp_path: Path, report) -> None:
    if reason := no_compiler():
        pytest.skip(reason)
    emulator = Emulator.built(tmp_path / "runtime")
    program = tmp_path / "program"
    emulator.compile(PROGRAM, program, checks=tuple(CHECKS))
    (ptx,) = [text.decode() for text in ptx_of_program(program.read_bytes())]
    report.milliseconds(f"translate {len(ptx.splitlines())} lines of PTX", _times(lambda: translate(ptx)))
    for words, bits in CHECKS.items():
        library = tmp_path / f"{bits}.so"
        seconds = _times(lambda bits=bits, library=library: build_kernels(ptx, library, bits))
        report.milliseconds(f"translate and compile, checks {words}", seconds)
    for words in CHECKS:
        report.milliseconds(
            f"start, one launch and end, checks {words}", _times(lambda w=words: _start(emulator, program, w))
        )
        figures = dict[str, list[list[float]]]()
        for _ in range(ROUNDS):
            done = emulator.run(program, checks=words)
            assert done.stdout.endswith("PASS\n"), done.stdout + done.stderr
            for line in done.stdout.splitlines()[:-1]:
                name, *times = line.split()
                figures.setdefault(name, []).append([float(text) for text in times])
        for name, rows in figures.items():
            emulated, *plain = (statistics.median(column) for column in zip(*rows, strict=True))
            beside = f"   {plain[0]:8.1f} ms plain   {emulated / plain[0]:5.1f}x" if plain else ""
            report.line(f"{NAMES[name]}, checks {words}", f"{emulated:8.1f} ms{beside}")


def _start(emulator: Emulator, program: Path, checks: str) -> None:
    assert emulator.run(program, "once", checks=checks).returncode == 0


def _times(work):
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        yield time.perf_counter() - start
