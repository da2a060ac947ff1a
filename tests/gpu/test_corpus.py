"""The corpus of CUDA programs on a real GPU: each agrees with its reference, and prints what it prints when emulated.

With TELERUN_GPU_EVIDENCE=<file> a table of both is written there, for docs/gpu-evidence.md.
"""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pynvml
import pytest
from tests_cuda_corpus import PROGRAMS, Compiled, Emulator, no_compiler, nvcc, run


class Evidence:
    """What each program printed on the GPU and emulated, as a table in Markdown."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []

    def text(self) -> str:
        gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
        title = f"{pynvml.nvmlDeviceGetName(gpu)}, driver {pynvml.nvmlSystemGetDriverVersion()}"
        title += f", beside CPU emulation on {platform.machine()}, {datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
        table = [f"| {name} | {_cell(on_gpu)} | {_cell(emulated)} |" for name, on_gpu, emulated in self.rows]
        return "\n".join([f"### {title}", "", "| program | GPU | emulated |", "|---|---|---|", *table, ""])


def _cell(output: str) -> str:
    return output.strip().replace("|", "\\|").replace("\n", "<br>")


@pytest.fixture(scope="session")
def evidence() -> Iterator[Evidence]:
    found = Evidence()
    yield found
    if path := os.environ.get("TELERUN_GPU_EVIDENCE"):
        Path(path).write_text(found.text())


@pytest.fixture(scope="session")
def emulator(emulation_cache: Path) -> Emulator:
    if reason := no_compiler():
        pytest.skip(reason)
    return Emulator.built(emulation_cache)


@pytest.fixture(scope="session")
def on_both(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Compiled, Compiled]]:
    """The programs compiled for the first GPU, and for the emulation."""
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(pynvml.nvmlDeviceGetHandleByIndex(0))
    arch = f"-arch=sm_{major}{minor}"
    real = Compiled(tmp_path_factory.mktemp("gpu"), PROGRAMS, lambda program, target: nvcc(program, target, arch))
    emulated = Compiled(tmp_path_factory.mktemp("emulated"), PROGRAMS, emulator.compile)
    yield real, emulated
    real.close()
    emulated.close()


@pytest.mark.timeout(600)  # the first waits for its own compilation among the others'
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_program_on_the_gpu(
    program: Path, on_both: tuple[Compiled, Compiled], emulator: Emulator, evidence: Evidence
) -> None:
    real, emulated = on_both
    done = run(real[program], dict(os.environ))
    beside = emulator.run(emulated[program])
    evidence.rows.append((program.stem, done.stdout, "the same" if beside.stdout == done.stdout else beside.stdout))
    assert done.stdout.splitlines()[-1:] == ["PASS"], done.stdout + done.stderr
    assert done.returncode == 0
    assert done.stdout == beside.stdout
