"""The command `telerun` as a process, in a folder of the test's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests_processes import ExecutorProcess, ServerProcess

WAIT_S = 90


@dataclass(frozen=True)
class Telerun:
    """Runs the command with an environment."""

    env: dict[str, str]
    cwd: Path

    def start(self, *args: str, **more: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "telerun_magic.cli", *args],
            env=self.env,
            cwd=self.cwd,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
        )

    def __call__(self, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        with self.start(*args, stdin=subprocess.PIPE) as process:
            out, err = process.communicate(stdin.encode(), timeout=WAIT_S)
        return subprocess.CompletedProcess(args, process.returncode, out.decode(), err.decode())

    def ok(self, *args: str) -> str:
        """What it prints, when all is well."""
        done = self(*args)
        assert done.returncode == 0, done
        return done.stdout

    def fails(self, *args: str, stdin: str = "") -> str:
        """The one line it says, when it fails."""
        done = self(*args, stdin=stdin)
        assert done.returncode == 1, done
        assert "Traceback" not in done.stderr
        last = done.stderr.strip().splitlines()[-1]
        assert last.startswith("telerun: "), done
        return last

    def write(self, name: str, text: str) -> str:
        (self.cwd / name).write_text(text)
        return name


@pytest.fixture
def telerun(telerun_server: ServerProcess, telerun_executor: ExecutorProcess, tmp_path: Path) -> Telerun:
    """With a server and an executor."""
    return Telerun(telerun_server.environment(), _folder(tmp_path))


@pytest.fixture(scope="module")
def idle_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server without an executor: what is submitted stays queued."""
    server = ServerProcess(tmp_path_factory.mktemp("idle")).start()
    yield server
    server.stop()


@pytest.fixture
def waiting(idle_server: ServerProcess, tmp_path: Path) -> Telerun:
    """With a server and no executor."""
    return Telerun(idle_server.environment(), _folder(tmp_path))


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder
