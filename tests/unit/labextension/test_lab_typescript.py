"""The front end's own checks: its types, its form, and the tests of its parts that need no browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LAB = Path(__file__).parents[3] / "labextension"

pytestmark = [
    pytest.mark.timeout(600),  # the first time, its packages are installed
    pytest.mark.skipif(shutil.which("node") is None, reason="needs node"),
]


def jlpm(*argv: str) -> None:
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["jlpm", *argv], cwd=LAB, env={**os.environ, "PATH": tools}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    jlpm("install", "--immutable")


def test_its_types_fit() -> None:
    jlpm("check")


def test_its_form_is_the_usual() -> None:
    jlpm("lint")


def test_its_parts_do_what_they_say() -> None:
    jlpm("test")
