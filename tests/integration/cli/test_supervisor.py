"""What a supervisor does with processes that nobody else looks after."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

SCRIPT = """
import os, sys
from pathlib import Path
from telerun_magic.local.supervisor import Supervisor
with Supervisor(Path(sys.argv[1])) as supervisor:
    supervisor.start("child", ["sh", "-c", sys.argv[2]], os.environ)
    print("started", flush=True)
    ended = supervisor.wait()
    print(supervisor.signal and supervisor.signal.name, ended and ended.process.returncode, flush=True)
"""


@contextmanager
def supervise(folder: Path, command: str, *before: str) -> Iterator[subprocess.Popen[str]]:
    argv = [*before, sys.executable, "-c", SCRIPT, str(folder), command]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "started\n"
            yield process
        finally:
            process.kill()


def last_words(processes: list[psutil.Process]) -> list[str]:
    try:
        return sorted(one.cmdline()[-1] for one in processes)
    except (psutil.Error, IndexError):  # one is just ending
        return []


@pytest.mark.skipif(sys.platform != "linux", reason="subreapers are Linux's")
def test_orphans_are_ended_and_leave_no_zombies(tmp_path: Path) -> None:
    orphans = "(sleep 0.1 &); (sleep 600 &); exec sleep 500"
    with supervise(tmp_path, orphans) as process:
        supervisor = psutil.Process(process.pid)
        deadline = time.monotonic() + 30
        while last_words(supervisor.children()) != ["500", "600"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        family = supervisor.children()
        process.terminate()
        assert process.stdout.read() == "SIGTERM None\n"
    assert psutil.wait_procs(family, timeout=1)[1] == []


def test_a_child_that_ends_ends_the_wait(tmp_path: Path) -> None:
    with supervise(tmp_path, "sleep 0.2; exit 7") as process:
        assert process.stdout.read() == "None 7\n"


def test_nohup_is_meant(tmp_path: Path) -> None:
    with supervise(tmp_path, "sleep 1; exit 7", "nohup") as process:
        process.send_signal(1)
        assert process.stdout.read() == "None 7\n"
