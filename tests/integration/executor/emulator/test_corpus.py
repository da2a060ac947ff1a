"""Every program of the corpus runs on the emulation, with its checks on, and agrees with its own reference."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests_cuda_corpus import CORPUS, PROGRAMS, Compiled, Emulator

from telerun_executor.emulator.build import build_program, check_bits


@pytest.mark.timeout(300)  # the first waits for its own compilation among the others'
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_program_agrees_with_its_reference(program: Path, emulator: Emulator, compiled: Compiled) -> None:
    done = emulator.run(compiled[program])
    assert done.stdout.splitlines()[-1:] == ["PASS"], done.stdout + done.stderr
    assert done.returncode == 0
    if not program.stem.startswith("error_"):  # those make mistakes
        assert "telerun emulation:" not in done.stderr, done.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "program",
    [
        one
        for one in PROGRAMS
        if one.stem.startswith(("reduction_", "scan_", "histogram_", "stencil_", "atomics_", "cg_"))
    ]
    + [
        CORPUS / name
        for name in ("spin_lock.cu", "last_block.cu", "named_barriers.cu", "sort_radix.cu", "bfs.cu", "fft.cu")
    ],
    ids=lambda program: program.stem,
)
def test_no_race_is_seen_where_there_is_none(program: Path, emulator: Emulator, compiled: Compiled) -> None:
    """Threads that are ordered by barriers, warps, atomics, locks and flags."""
    target = compiled[program]
    build_program(target, target.parent / "kernels", check_bits("all"))
    done = emulator.run(target, checks="all")
    assert done.stdout.splitlines()[-1:] == ["PASS"], done.stdout + done.stderr
    assert not done.stderr
