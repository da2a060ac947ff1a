"""What most tests need: a real server, a real executor, and no trace in anyone's home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import FileLock
from platformdirs import user_cache_path
from tests_cuda_corpus import Emulator, no_compiler
from tests_processes import ExecutorProcess, ServerProcess

from telerun_executor.emulator.build import EmulatorBuildError


@pytest.fixture(scope="session", autouse=True)
def _nobodys_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither read nor write the configuration of whoever runs them."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("TELERUN_")]:
            patch.delenv(name)
        patch.setenv("TELERUN_CONFIG_DIR", str(home / "config"))
        patch.setenv("TELERUN_STATE_DIR", str(home / "state"))
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        patch.setenv("XDG_CACHE_HOME", str(_shared(tmp_path_factory) / "cache"))
        for name in ("CONFIG", "DATA", "RUNTIME"):
            patch.setenv(f"JUPYTER_{name}_DIR", str(home / f"jupyter-{name.lower()}"))
        yield


def _shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run: of all its processes, where tests run side by side."""
    mine = tmp_path_factory.getbasetemp()
    return mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine


@pytest.fixture(scope="session")
def emulation_cache() -> Path:
    """Where executors look for the CUDA emulation: built once, and here, for all that run side by side."""
    cache = user_cache_path("telerun") / "emulator"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{cache}.lock"), suppress(EmulatorBuildError):  # who needs it tells why there is none
        if not no_compiler():
            Emulator.built(cache)
    return cache


@pytest.fixture(scope="session")
def telerun_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests that do not stop it. Where there is no GPU, CUDA programs are emulated."""
    server = ServerProcess(tmp_path_factory.mktemp("server"), "--emulation", "allow").start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def telerun_executor(
    telerun_server: ServerProcess, emulation_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExecutorProcess]:
    """One executor at that server."""
    folder = tmp_path_factory.mktemp("executor")
    options = ("--slots", "2", "--compile-slots", "2")
    executor = ExecutorProcess(telerun_server, folder, *options, emulation=True).start()
    yield executor
    executor.stop()
