"""`telerun lab`: whatever ends it, nothing of it is left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import psutil
import pytest

WAIT_S = 60


class Lab:
    """A running `telerun lab` on a terminal of its own, with a kernel and a job at work."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        argv = ["-m", "telerun_magic.cli", "lab", "--no-browser", "--root", str(folder), "--data", str(self.data)]
        self.terminal = pexpect.spawn(sys.executable, argv, timeout=WAIT_S, encoding="utf-8", dimensions=(40, 400))
        self.terminal.expect(r"JupyterLab: (http://127\.0\.0\.1:\d+/)lab\?token=(\w+)")
        self.url, self.token = self.terminal.match[1], self.terminal.match[2]
        self.supervisor = psutil.Process(self.terminal.pid)
        self.ask("api/kernels", b"{}")
        self.run_a_job()
        self.family = [self.supervisor, *self.supervisor.children(recursive=True)]

    def ask(self, path: str, body: bytes | None = None) -> dict:
        headers = {"Authorization": f"token {self.token}"}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers), timeout=WAIT_S) as answer:
            return json.loads(answer.read())

    def run_a_job(self) -> None:
        """Leaves a program running on the executor."""
        url = self.child("telerun_executor run", [*self.supervisor.children()]).cmdline()
        told = ["--server", url[url.index("--server") + 1], "--token-file", str(self.data / "run" / "user.token")]
        command = [*("run", "--"), *(sys.executable, "-c", "import time; print(1, flush=True); time.sleep(600)")]
        with subprocess.Popen([sys.executable, "-m", "telerun_magic.cli", *told, *command], stdout=-1) as client:
            assert client.stdout.read(2) == b"1\n"
            client.kill()

    def child(self, words: str, among: list[psutil.Process] | None = None) -> psutil.Process:
        return next(one for one in among or self.family if words in " ".join(one.cmdline()))

    def left(self) -> list[psutil.Process]:
        """Who is still there after a while. A zombie that the test has not waited for is gone too."""
        self.terminal.expect(pexpect.EOF)
        self.terminal.close()
        deadline = time.monotonic() + WAIT_S
        while left := [one for one in self.family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        return left


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    running = Lab(tmp_path)
    yield running
    for one in running.family:
        if one.is_running():
            one.kill()
    running.terminal.close(force=True)


def _kill(words: str) -> Callable[[Lab], None]:
    return lambda lab: lab.child(words).kill()


ENDS: dict[str, tuple[Callable[[Lab], None], int | None]] = {
    "ctrl-c": (lambda lab: lab.terminal.sendintr(), 0),
    "terminate": (lambda lab: lab.supervisor.send_signal(signal.SIGTERM), 0),
    "hang up": (lambda lab: lab.supervisor.send_signal(signal.SIGHUP), 0),
    "kill": (lambda lab: lab.supervisor.kill(), None),
    "server dies": (_kill("telerun_server run"), 1),
    "executor dies": (_kill("telerun_executor run"), 1),
    "jupyterlab dies": (_kill("jupyterlab"), 1),
}


@pytest.mark.parametrize("how", ENDS)
def test_nothing_is_left(lab: Lab, how: str) -> None:
    assert len(lab.family) >= 6  # supervisor, server, executor, a job, JupyterLab, a kernel
    end, exit_code = ENDS[how]
    end(lab)
    assert lab.left() == []
    if exit_code is not None:
        assert lab.terminal.exitstatus == exit_code
    if exit_code == 0:
        assert not list(lab.data.glob("run/*.token"))
    if exit_code == 1:
        assert "ended (SIGKILL)" in lab.terminal.before
        assert "Traceback" not in lab.terminal.before


def test_what_kernels_know_and_what_another_lab_may_not(lab: Lab) -> None:
    token_file = lab.data / "run" / "user.token"
    token = token_file.read_text().strip()
    assert token_file.stat().st_mode & 0o077 == 0
    for one in lab.family:
        assert token not in " ".join(one.cmdline())
        assert token not in str(one.environ())
    environment = lab.child("ipykernel_launcher").environ()
    assert environment["TELERUN_TOKEN_FILE"] == str(token_file)
    assert environment["TELERUN_URL"].startswith("http://127.0.0.1:")

    argv = [sys.executable, "-m", "telerun_magic.cli", "lab", "--no-browser", "--data", str(lab.data)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=WAIT_S)
    assert done.returncode == 1
    assert "Another Telerun is using" in done.stderr
    assert lab.supervisor.is_running()
    assert (lab.data / "run" / "user.token").exists()


def test_a_server_that_cannot_start_is_shown(tmp_path: Path) -> None:
    (tmp_path / "server").write_text("a file where the server wants a folder")
    argv = [sys.executable, "-m", "telerun_magic.cli", "lab", "--no-browser", "--data", str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=WAIT_S)
    assert done.returncode == 1
    assert "The server ended (exit code" in done.stderr
    assert str(tmp_path / "run" / "server.log") in done.stderr
    assert "Traceback" not in done.stderr.splitlines()[0]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["server.log"]
