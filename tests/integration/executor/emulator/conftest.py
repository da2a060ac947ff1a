"""The emulation built once, and the programs that the selected tests run, compiled once."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_cuda_corpus import Compiled, Emulator, no_compiler
from tests_ptx import PtxDevice


@pytest.fixture(scope="session")
def emulator(emulation_cache: Path) -> Emulator:
    if reason := no_compiler():
        pytest.skip(reason)
    return Emulator.built(emulation_cache)


@pytest.fixture(scope="session")
def device(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PtxDevice]:
    """The emulation, to which kernels are handed as PTX."""
    opened = PtxDevice(emulator.runtime, tmp_path_factory.mktemp("ptx"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def compiled(
    request: pytest.FixtureRequest, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Compiled]:
    """The corpus's programs that the selected tests run."""
    programs = Compiled(tmp_path_factory.mktemp("corpus"), _wanted(request.session, "program"), emulator.compile)
    yield programs
    programs.close()


@pytest.fixture(scope="session")
def compiled_bugs(
    request: pytest.FixtureRequest, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Compiled]:
    """The programs with planted bugs that the selected tests run, with all checks in their kernels."""
    compile_one = functools.partial(emulator.compile, checks=("all",))
    programs = Compiled(tmp_path_factory.mktemp("bugs"), _wanted(request.session, "bug"), compile_one)
    yield programs
    programs.close()


def _wanted(session: pytest.Session, parameter: str) -> list[Path]:
    """The values of a parameter among the selected tests."""
    calls = [
        item.callspec.params
        for item in session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    ]
    return list(dict.fromkeys(params[parameter] for params in calls if parameter in params))
