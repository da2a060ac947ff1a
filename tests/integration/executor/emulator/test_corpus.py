"""Every program of the corpus runs on the emulation, with its checks on, and agrees with its own reference."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests_cuda_corpus import PROGRAMS, Compiled, Emulator


@pytest.mark.timeout(300)  # the first waits for its own compilation among the others'
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_program_agrees_with_its_reference(program: Path, emulator: Emulator, compiled: Compiled) -> None:
    done = emulator.run(compiled[program])
    assert done.stdout.splitlines()[-1:] == ["PASS"], done.stdout + done.stderr
    assert done.returncode == 0
    if not program.stem.startswith("error_"):  # those make mistakes
        assert "telerun emulation:" not in done.stderr, done.stderr
