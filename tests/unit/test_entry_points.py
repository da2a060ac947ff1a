"""The programs' commands, also where the packages of their extra are missing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(sys.argv.pop(1).split(",")))  # as if not installed
from {module} import {function}
{function}()
"""


def start(command: str, *words: str, missing: str = "nothing_of_this_name") -> subprocess.CompletedProcess[str]:
    module, _, function = SCRIPTS[command].partition(":")
    code = WITHOUT.format(module=module, function=function)
    return subprocess.run([sys.executable, "-c", code, missing, *words], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("command", "words", "missing", "extra"),
    [
        ("telerun-server", ["--help"], "tornado", "server"),
        ("telerun-executor", ["--help"], "pythonjsonlogger", "executor"),
        ("telerun-executor", ["doctor"], "pynvml", "executor"),
    ],
)
def test_what_to_install_is_one_line(command: str, words: list[str], missing: str, extra: str) -> None:
    ended = start(command, *words, missing=missing)
    told = f"{command}: {missing} is not installed. Run pip install 'telerun-magic[{extra}]'.\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", told)


@pytest.mark.parametrize("command", list(SCRIPTS))
def test_help_and_version(command: str) -> None:
    for word in ("-h", "--help"):
        ended = start(command, word)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.startswith(f"Usage: {command} ")
        assert "-h, --help" in ended.stdout
    ended = start(command, "--version")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"{command}, version ")
