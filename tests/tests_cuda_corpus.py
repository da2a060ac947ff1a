"""The CUDA programs of tests/cuda_corpus: compiled for a GPU or for the emulation, several at once, and run."""

from __future__ import annotations

import functools
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from telerun_executor.emulator.build import build_program, build_runtime, check_bits
from telerun_executor.toolchains.discovery import CudaTools, compiler_env, find_cuda_tools

CORPUS = Path(__file__).parent / "cuda_corpus"
PROGRAMS = sorted(CORPUS.glob("*.cu"))
BUGS = sorted((CORPUS / "bugs").glob("*.cu"))
COMPILE_TIMEOUT_S = 300
RUN_TIMEOUT_S = 60
QUICK_BETWEEN_SLOW = 20  # programs that compile in the time of a slow one


@functools.cache
def no_compiler() -> str | None:
    """Why nothing can be compiled here, or None."""
    return find_cuda_tools().problem or None


def flags_of(program: Path) -> list[str]:
    """nvcc's options for a program: C++17, and what its first line asks for."""
    found = re.match(r"// flags: (.*)", program.read_text())
    wanted = found[1].split() if found else []
    return wanted if any(flag.startswith("-std=") for flag in wanted) else ["-std=c++17", *wanted]


def planted_bug(program: Path) -> tuple[int, str]:
    """The line of a planted bug, from 1, and words that a report of it must have: what its mark says."""
    lines = enumerate(program.read_text().splitlines(), 1)
    (found,) = [(number, text.partition("// BUG ")[2]) for number, text in lines if "// BUG " in text]
    return found


def nvcc(program: Path, target: Path, *options: str) -> None:
    """Compile a program that stands in a file of its own. Raises AssertionError with nvcc's words."""
    tools = find_cuda_tools()
    assert tools.nvcc
    library_folder = tools.nvcc.library_folder
    command = [
        str(tools.nvcc.tool.path),
        *flags_of(program),
        *([f"-L{library_folder}"] if library_folder else []),
        *options,
        "-o",
        str(target),
        program.name,
    ]
    done = subprocess.run(
        command,
        cwd=program.parent,
        env=compiler_env(tools.nvcc.tool, tools.host) | {"HOME": str(target.parent), "TMPDIR": str(target.parent)},
        capture_output=True,
        text=True,
        timeout=COMPILE_TIMEOUT_S,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


def _in_turn(programs: Iterable[Path]) -> list[Path]:
    """In the order of the tests, the slow ones early and apart: no test waits for all of them."""
    slow, turn = list[Path](), list[Path]()
    for program in programs:
        text = program.read_text()
        (slow if "<thrust/" in text or "<cub/device" in text else turn).append(program)
    for number, program in enumerate(slow):
        turn.insert(number * QUICK_BETWEEN_SLOW, program)
    return turn


class Compiled:
    """Programs compiled ahead of the tests that run them, as many at once as there are cores."""

    def __init__(self, folder: Path, programs: Iterable[Path], compile_one: Callable[[Path, Path], None]) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))
        self._found: dict[Path, Future[Path]] = {}
        for program in _in_turn(programs):
            self._found[program] = self._pool.submit(self._compile, program, compile_one)

    def _compile(self, program: Path, compile_one: Callable[[Path, Path], None]) -> Path:
        target = self._folder / program.parent.name / program.stem / "program"
        target.parent.mkdir(parents=True, exist_ok=True)
        compile_one(program, target)
        return target

    def __getitem__(self, program: Path) -> Path:
        return self._found[program].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Emulator:
    """The stand-in runtime and how programs are compiled against it and started with it."""

    runtime: Path
    checks: str = "memory,init,barriers"

    @classmethod
    def built(cls, cache: Path) -> Emulator:
        tools = find_cuda_tools()
        return cls(build_runtime(cache, cuda_headers(tools)))

    def compile(self, program: Path, target: Path, checks: Sequence[str] = ()) -> None:
        """The program at `target`, and its kernels beside it, for each of the sets of checks."""
        nvcc(
            program,
            target,
            "-gencode=arch=compute_80,code=compute_80",
            "-lineinfo",
            "--no-compress",
            "-cudart=none",
            f"-L{self.runtime}",
            "-lcudart",
        )
        for words in checks or (self.checks,):
            build_program(target, target.parent / "kernels", check_bits(words))

    def run(
        self, target: Path, *arguments: str, checks: str = "", cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": "/usr/bin:/bin",
            "LD_LIBRARY_PATH": str(self.runtime),
            "TELERUN_EMULATOR_KERNELS": str(target.parent / "kernels"),
            "TELERUN_EMULATOR_CHECKS": checks or self.checks,
        }
        return run(target, environment, *arguments, cwd=cwd)


def cuda_headers(tools: CudaTools) -> Path:
    """The folder of cuda_runtime_api.h."""
    assert tools.nvcc
    found = [tools.nvcc.top / "include", *tools.nvcc.top.glob("targets/*/include")]
    return next(folder for folder in found if (folder / "cuda_runtime_api.h").exists())


def run(
    target: Path, environment: dict[str, str], *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """One run of a compiled program, by default in its own folder."""
    return subprocess.run(
        [str(target), *arguments],
        cwd=cwd or target.parent,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=RUN_TIMEOUT_S,
    )
