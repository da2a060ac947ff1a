"""`telerun local`: a job on this machine, without a server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
#include <cstdio>
#include <cstdlib>
int main(int argc, char **argv) {
    std::puts("to stdout");
    std::fputs("to stderr\\n", stderr);
    std::FILE *file = std::fopen("out/deep.txt", "w");
    std::fputs("kept", file);
    std::fclose(file);
    return argc > 1 ? std::atoi(argv[1]) : 0;
}
"""


def telerun(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "telerun_magic.cli", "local", *words],
        cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip


def test_a_program_is_compiled_and_run_here(tmp_path: Path) -> None:
    (tmp_path / "a.cpp").write_text(PROGRAM)
    done = telerun(tmp_path, "a.cpp", "7")
    assert (done.stdout, done.returncode) == ("to stdout\n", 7)
    assert "to stderr\n" in done.stderr
    assert (tmp_path / "out" / "deep.txt").read_text() == "kept"


def test_what_does_not_compile_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.cpp").write_text("int main() { return nothing; }")
    done = telerun(tmp_path, "a.cpp")
    assert done.returncode == 1
    assert "nothing" in done.stderr
    assert "does not compile" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_keeps_its_limits_and_sees_nothing_of_its_owner(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    done = telerun(tmp_path, "--time", "1", "--", "sh", "-c", "echo begun; sleep 600")
    assert (done.stdout, done.returncode) == ("begun\n", 1)
    assert "longer than its time limit" in done.stderr
    if os.geteuid() == 0 and shutil.which("bwrap"):
        done = telerun(tmp_path, "--require-isolation", "full", "--", "cat", str(tmp_path / "secret"), "/etc/shadow")
        assert (done.stdout, done.returncode) == ("", 1)
        assert done.stderr.count("No such file") == 2


def test_what_is_required_and_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    done = telerun(tmp_path, "--require-isolation", "full", "--", "true", PATH=str(tmp_path / "bin"))
    assert done.returncode == 1
    assert "apt-get install bubblewrap" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_cancels(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "telerun_magic.cli", "local", "--", "sh", "-c", "echo begun; sleep 600"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    _, told = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "cancelled" in told
    assert "Traceback" not in told
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("words", [("nothing.cpp",), ("cpp",), ()])
def test_bad_words_are_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = telerun(tmp_path, *words)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
