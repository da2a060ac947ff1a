"""The runtime API under real programs: what holds, what each mistake is called, and which line is named."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests_cuda_corpus import Emulator, run

import telerun_executor

PROGRAMS = Path(__file__).parent / "programs"
EXECUTOR = Path(telerun_executor.__file__).parents[1]
MISTAKES = PROGRAMS / "mistakes.cu"

Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def mistakes(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Runs the program of mistakes with one of them, under a set of checks and other settings."""
    target = tmp_path_factory.mktemp("mistakes") / "program"
    emulator.compile(MISTAKES, target, checks=("none", "barriers", "memory,init,barriers", "all"))

    def start(
        mistake: str, *, checks: str = "memory,init,barriers", **settings: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            "LD_LIBRARY_PATH": str(emulator.runtime),
            "TELERUN_EMULATOR_KERNELS": str(target.parent / "kernels"),
            "TELERUN_EMULATOR_CHECKS": checks,
            "TELERUN_EMULATOR_SOURCES": str(PROGRAMS),
        }
        return subprocess.run(
            [target, mistake], env=environment | settings, capture_output=True, text=True, timeout=60, check=False
        )

    return start


@pytest.mark.parametrize("name", ["memory", "streams", "functions", "driver"])
def test_the_api_holds(name: str, emulator: Emulator, tmp_path: Path) -> None:
    emulator.compile(PROGRAMS / f"{name}.cu", tmp_path / "program")
    done = run(
        tmp_path / "program",
        {
            "PATH": "/usr/bin:/bin",
            "LD_LIBRARY_PATH": str(emulator.runtime),
            "TELERUN_EMULATOR_KERNELS": str(tmp_path / "kernels"),
            "TELERUN_EMULATOR_CHECKS": emulator.checks,
            # for the PTX that `driver` loads itself
            "TELERUN_EMULATOR_PYTHON": sys.executable,
            "TELERUN_EMULATOR_PATH": str(EXECUTOR),
            "TELERUN_EMULATOR_CACHE": str(tmp_path / "cache"),
        },
    )
    assert done.returncode == 0, done.stderr
    printed = "host\nkernel 7  1.50 text % -5000000000 x\n" if name == "functions" else ""
    assert done.stdout == f"{printed}done\n"


def test_only_the_kernels_that_cannot_be_emulated_fail(emulator: Emulator, tmp_path: Path) -> None:
    source = PROGRAMS / "partly.cu"
    emulator.compile(source, tmp_path / "program")
    done = emulator.run(tmp_path / "program")
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    for told, mark in zip(done.stderr.splitlines(), ("function", "method"), strict=True):  # once each
        (line,) = [
            number for number, text in enumerate(source.read_text().splitlines(), 1) if text.endswith(f"// in a {mark}")
        ]
        assert "error: unsupported PTX: vadd4.u32.u32.u32.sat: video instructions are not emulated [kernel _Z" in told
        assert told.endswith(f"partly.cu:{line}")


def test_a_mistake_in_a_function_of_the_toolkit_is_told_at_its_call(emulator: Emulator, tmp_path: Path) -> None:
    """In debug builds the functions of headers are functions still."""
    source = "// flags: -G\n__global__ void k(int *p) {\n    atomicAdd(&p[64], 1);\n}\n"
    source += "int main() { int *p; cudaMalloc(&p, 64); k<<<1, 1>>>(p); return cudaDeviceSynchronize(); }\n"
    (tmp_path / "debug.cu").write_text(source)
    emulator.compile(tmp_path / "debug.cu", tmp_path / "program")
    done = emulator.run(tmp_path / "program")
    assert done.returncode == 700 % 256
    assert done.stderr.rstrip().endswith("debug.cu:3")


def line_of(mark: str) -> int:
    (line,) = [
        number for number, text in enumerate(MISTAKES.read_text().splitlines(), 1) if text.endswith(f"// {mark}")
    ]
    return line


@pytest.mark.parametrize(
    ("mistake", "error", "words", "thread", "mark"),
    [
        ("past the end", 700, "0 bytes after the end of a block of 4000 bytes allocated by cudaMalloc", 16, "put"),
        (
            "before the start",
            700,
            "4 bytes before the start of a block of 4000 bytes allocated by cudaMalloc",
            0,
            "put",
        ),
        ("host memory", 700, "memory of the host", 0, "put"),
        ("null pointer", 700, "illegal write of 4 bytes at 0: the null pointer", 0, "put"),
        ("freed memory", 700, "0 bytes into a freed block of 4000 bytes allocated by cudaMalloc", 0, "put"),
        ("misaligned", 716, "misaligned global write of 4 bytes", 0, "put_misaligned"),
        ("shared past the end", 700, "0 bytes after the end of the block's 128 bytes of shared", 31, "read_shared"),
        ("no dynamic shared memory", 700, "the kernel has dynamic shared memory, but its launch", 0, "use_dynamic"),
        ("divergent barrier", 719, "divergent barrier", 16, "divergent"),
        ("missing lanes", 719, "waits for lanes 0xffffffff, of which 0xffff0000 never come", 0, "missing_lanes"),
        ("assertion", 710, "assertion `x == 3` failed", 0, "fail_assertion"),
        (
            "local past the end",
            700,
            "4 bytes after the end of the function's 32 bytes of local arrays",
            0,
            "read_local",
        ),
        ("texture destroyed", 700, "0x1 is no texture object, or was destroyed", 0, "read_texture"),
        ("texture of a freed array", 700, "0 bytes into a freed block of 64 bytes allocated by", 0, "read_texture"),
        ("surface by elements", 716, "its x counts bytes, and 1 is no multiple of 4", 1, "read_surface"),
        ("heap past the end", 700, "after the end of a block of 40 bytes allocated by malloc", 0, "overrun_heap"),
    ],
)
def test_a_mistake_in_a_kernel(mistakes: Start, mistake: str, error: int, words: str, thread: int, mark: str) -> None:
    done = mistakes(mistake)
    assert done.stdout == f"0 {error} {error}\n"  # it shows when it is waited for, and from then on everywhere
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("telerun emulation: ")]
    assert words in said
    assert re.fullmatch(
        rf"telerun emulation: error: .* \[kernel \w+, block \(0,0,0\), thread \({thread},0,0\)\]"
        rf" at mistakes\.cu:{line_of(mark)}",
        said,
    )


@pytest.mark.parametrize(
    ("mistake", "checks", "words", "mark"),
    [
        ("shared not written", "memory,init,barriers", "uninitialised shared read of 4 bytes", "read_unwritten"),
        ("barrier after return", "barriers", "16 of the block's 32 threads ended without coming to", "skip_barrier"),
        ("race", "all", "data race on shared memory: this thread writes what thread", "race"),
    ],
)
def test_a_finding_that_a_gpu_would_not_see(mistakes: Start, mistake: str, checks: str, words: str, mark: str) -> None:
    done = mistakes(mistake, checks=checks)
    assert done.stdout == "0 0 0\n"
    (said,) = [line for line in done.stderr.splitlines() if words in line]  # once, though many threads make it
    assert said.startswith("telerun emulation: warning: ")
    assert said.endswith(f" at mistakes.cu:{line_of(mark)}")


def test_what_is_in_order_is_not_called_a_race(mistakes: Start) -> None:
    done = mistakes("none", checks="all")
    assert (done.stdout, done.stderr) == ("0 0 0\n", "")


@pytest.mark.parametrize(
    ("mistake", "error", "words"),
    [
        ("copy too long", 1, "cudaMemcpy: 5000 bytes at the source"),
        ("copy in the wrong direction", 1, "is a device pointer, but the copy's direction says that it is the host's"),
        ("freed twice", 1, "was freed before"),
        ("free of host memory", 1, "cudaFree"),
        ("not emulated", 801, "cudaMallocMipmappedArray is not emulated"),
    ],
)
def test_a_mistake_in_a_call(mistakes: Start, mistake: str, error: int, words: str) -> None:
    done = mistakes(mistake)
    assert done.stdout == f"{error} 0 0\n"
    (said,) = done.stderr.splitlines()
    assert said.startswith("telerun emulation: error: ")
    assert words in said


def test_the_host_cannot_use_device_memory_by_mistake(mistakes: Start) -> None:
    done = mistakes("used by the host")
    assert done.returncode == -signal.SIGSEGV
    assert "the host program used a device pointer as if it were its own" in done.stderr
    assert "4 bytes into a block of 4000 bytes allocated by cudaMalloc" in done.stderr


def test_without_checks_a_wild_access_still_ends_the_kernel_only(mistakes: Start) -> None:
    done = mistakes("null pointer", checks="none")
    assert done.stdout == "0 700 700\n"
    assert "turn the memory checks on" in done.stderr


def test_leaks_are_told_when_asked_for(mistakes: Start) -> None:
    assert mistakes("never freed").stderr == ""
    said = mistakes("never freed", TELERUN_EMULATOR_LEAKS="1").stderr
    assert "warning: never freed: a block of 4000 bytes allocated by cudaMalloc" in said


def test_missing_kernels_are_explained(mistakes: Start, tmp_path: Path) -> None:
    done = mistakes("past the end", TELERUN_EMULATOR_KERNELS=str(tmp_path))
    assert done.stdout == "209 0 0\n"
    assert "were not translated when it was built" in done.stderr
