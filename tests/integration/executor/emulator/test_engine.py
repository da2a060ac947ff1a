"""The engine under kernels written by hand: fibers, barriers, warps, copies, and what can go wrong in them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests_cuda_corpus import Emulator, cuda_headers

from telerun_executor.emulator.build import KERNEL_FLAGS, SOURCES, find_gcc, library_name
from telerun_executor.toolchains.discovery import find_cuda_tools

HERE = Path(__file__).parent
TEXT = b".version engine tests"  # what engine_host.c has in place of PTX
CHECKS = 7


@dataclass(frozen=True)
class Ran:
    error: int
    out: list[int]
    said: str


Engine = Callable[..., Ran]


@pytest.fixture(scope="module")
def engine(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("engine")
    library = folder / library_name(TEXT, CHECKS)
    host = folder / "host"
    headers = cuda_headers(find_cuda_tools())
    for command in (
        [*KERNEL_FLAGS, "-O2", f"-I{SOURCES}", f"-DEMU_CHECKS={CHECKS}", "-o", library, HERE / "engine_kernels.c"],
        ["-w", f"-I{headers}", "-o", host, HERE / "engine_host.c", f"-L{emulator.runtime}", "-lcudart"],
    ):
        subprocess.run([find_gcc(), *command], check=True, timeout=60)

    def run(kernel: str, blocks: int, threads: int, *, n: int = 0, ints: int = 0, workers: int = 2) -> Ran:
        done = subprocess.run(
            [host, kernel, str(blocks), str(threads), str(n), str(ints)],
            env={
                "LD_LIBRARY_PATH": str(emulator.runtime),
                "TELERUN_EMULATOR_KERNELS": str(folder),
                "TELERUN_EMULATOR_THREADS": str(workers),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        error, *out = map(int, done.stdout.split())
        return Ran(error, out, done.stderr)

    return run


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_a_barrier_separates_what_was_before_from_what_comes_after(engine: Engine, workers: int) -> None:
    ran = engine("rotate", 50, 1000, ints=50_000, workers=workers)
    assert (ran.error, ran.said) == (0, "")
    assert ran.out == [1000 * block + (index + 1) % 1000 for block in range(50) for index in range(1000)]


def test_reductions_at_a_barrier(engine: Engine) -> None:
    assert engine("barrier_reductions", 1, 65, ints=65).out == [10032] * 65


def test_a_named_barrier_with_a_count(engine: Engine) -> None:
    assert engine("named_barrier", 1, 64, ints=32).out == list(range(32, 64))


def test_threads_that_ended_are_not_waited_for(engine: Engine) -> None:
    assert engine("early_exit", 1, 100, ints=100).out == [1, 0] * 50


@pytest.mark.parametrize("width", [32, 16, 8])
def test_shuffles_follow_the_definition(engine: Engine, width: int) -> None:
    segment = 32 - width
    ran = engine("shuffles", 1, 32, n=segment << 8 | 0x1F, ints=128)
    for lane in range(32):
        first, last = lane // width * width, lane // width * width + width - 1
        sources = (lane - 5, lane + 5, lane ^ 5, first + 5 % width)
        inside = (sources[0] >= first, sources[1] <= last, sources[2] <= last, True)
        assert ran.out[4 * lane : 4 * lane + 4] == [
            source if ok else lane + 1000 for source, ok in zip(sources, inside, strict=True)
        ]


def test_warp_operations(engine: Engine) -> None:
    ran = engine("warp_operations", 1, 32, ints=9 * 32)
    same = [sum(1 << other for other in range(32) if other % 3 == rest) for rest in range(3)]
    for lane in range(32):
        values = [value % 2**32 for value in ran.out[9 * lane : 9 * lane + 9]]
        assert values == [
            same[lane % 3],
            0xFFFFFFFF + 1 - 2**32,
            sum(range(32)),
            -5 % 2**32,
            0xAAAAAAAA,
            1,
            100 * (lane == 0),
            0 if lane < 8 else 99,
            same[0] if lane % 3 == 0 else same[1] | same[2],
        ]


def test_phases_of_an_mbarrier(engine: Engine) -> None:
    assert engine("phases", 1, 96, ints=2).out == [3 * 96, 0]


def test_asynchronous_copies_happen_when_they_are_waited_for(engine: Engine) -> None:
    assert engine("asynchronous_copies", 1, 1, ints=5).out == [-1, 11, -1, 22, 0]


@pytest.mark.parametrize("workers", [1, 2])
def test_blocks_that_wait_for_later_ones_make_progress(engine: Engine, workers: int) -> None:
    ran = engine("wait_for_the_last_block", 40, 64, ints=2, workers=workers)
    assert ran.out == [7, 40 * 64]


def test_threads_that_wait_for_later_ones_make_progress(engine: Engine) -> None:
    assert engine("wait_for_the_last_thread", 1, 1024, ints=2).out == [5, 1024]


def test_atomics_of_many_blocks_add_up(engine: Engine) -> None:
    threads = 200 * 256
    assert engine("add_up", 200, 256, ints=1, workers=len(os.sched_getaffinity(0)) + 2).out == [
        threads * (threads - 1) // 2
    ]


@pytest.mark.parametrize(
    ("kernel", "words", "line"),
    [
        ("wait_for_too_many", "deadlock: 64 threads wait at barrier 3, which waits for 96", 21),
        (
            "lanes_that_never_come",
            "deadlock: this warp operation waits for lanes 0x000000ff, of which 0x000000f0 never",
            22,
        ),
        ("two_barriers", "divergent barrier: this thread waits here, but thread (0,0,0)", 25),
        ("barrier_sixteen", "barrier 16: a block has only the barriers 0 to 15", 26),
        ("trap", "the kernel executed a trap instruction", 27),
    ],
)
def test_what_can_never_end_is_found(engine: Engine, kernel: str, words: str, line: int) -> None:
    ran = engine(kernel, 1, 64)
    assert ran.error == 719
    (said,) = ran.said.splitlines()
    assert said.startswith(f"telerun emulation: error: {words}")
    assert said.endswith(f" at engine_kernels.c:{line}")
    assert f"[kernel {kernel}, block (0,0,0), thread (" in said


def test_deep_recursion_ends_the_kernel_and_not_the_program(engine: Engine) -> None:
    assert engine("deep_recursion", 1, 1, n=50, ints=1).error == 0
    ran = engine("deep_recursion", 1, 1, n=100_000)
    assert ran.error == 719
    assert "stack overflow" in ran.said


def test_a_fault_in_one_of_many_blocks_ends_them_all(engine: Engine) -> None:
    ran = engine("trap", 300, 256, n=300 * 256 - 1)
    assert ran.error == 719
    assert "block (299,0,0), thread (255,0,0)" in ran.said


def test_signals_inside_a_kernel_become_its_error(engine: Engine) -> None:
    assert engine("divide", 1, 1, n=0).error == 719
    wild = engine("wild_pointer", 1, 1, n=64)
    assert wild.error == 700
    assert "illegal access at 0x40" in wild.said
