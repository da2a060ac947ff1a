"""What most tests need: a real server, a real executor, and no trace in anyone's home."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests_processes import ExecutorProcess, ServerProcess


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
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))  # the CUDA emulation is built there, once
        for name in ("CONFIG", "DATA", "RUNTIME"):
            patch.setenv(f"JUPYTER_{name}_DIR", str(home / f"jupyter-{name.lower()}"))
        yield


@pytest.fixture(scope="session")
def telerun_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests that do not stop it. Where there is no GPU, CUDA programs are emulated."""
    server = ServerProcess(tmp_path_factory.mktemp("server"), "--emulation", "allow").start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def telerun_executor(
    telerun_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExecutorProcess]:
    """One executor at that server."""
    folder = tmp_path_factory.mktemp("executor")
    options = ("--slots", "2", "--compile-slots", "2")
    executor = ExecutorProcess(telerun_server, folder, *options, emulation=True).start()
    yield executor
    executor.stop()
