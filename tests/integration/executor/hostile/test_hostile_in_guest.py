"""The hostile programs under cgroups of version 2, with server and executor in a guest that has no others.

One boot of user-mode Linux runs the tests named here; each passes, is skipped or fails here as it did there. Compiling
takes seconds there, so the programs are brought along compiled; a few rows, and those of the hostile sources that are
taken there, go through the compiler as well.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import tests_hostile_rows
import tests_hostile_sources
from tests_guest import SHARE, guest
from tests_hostile import build

HERE = Path(__file__).parent
SOURCES = ("C1-templates", "C2-constexpr", "C3-zero", "C4-shadow", "C10-errors")  # a compiler and what bounds it
PROGRAM = "test_hostile_programs.py::test_it_ends_as_it_must_and_nothing_else_notices"
CANNOT = {f"{PROGRAM}[5-memory-reserve]": "a program in user-mode Linux has no more than 512 GiB of addresses"}
SOURCE = "test_hostile_sources.py::test_a_compiler_is_bounded_and_learns_nothing"
WITH_LOOPBACK = """
import fcntl, os, socket, struct, sys
with socket.socket() as any:
    SIOCSIFFLAGS, IFF_UP = 0x8914, 1
    fcntl.ioctl(any, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
NEEDLESS = ("cacheprovider", "hypothesispytest", "anyio", "platformdirs")  # loading them takes time
OPTIONS = ("-q", *(f"-pno:{name}" for name in NEEDLESS), f"--junitxml={SHARE}/report.xml", "--override-ini=addopts=")
BOOT_S = 500
pytestmark = pytest.mark.timeout(BOOT_S + 20)


def _tests() -> list[str]:
    """Their names, as pytest has them."""
    rows = [f"{PROGRAM}[{row}]" for row in tests_hostile_rows.ROWS]
    sources = [f"{SOURCE}[{row}]" for row in tests_hostile_sources.ROWS if row.number in SOURCES]
    return [*rows, *sources, *_numbered("test_hostile_programs.py"), *_numbered("test_hostile_lives.py")]


def _numbered(module: str) -> list[str]:
    """Tests for the numbers of the table that are functions of their own."""
    body = ast.parse((HERE / module).read_text()).body
    return [
        f"{module}::{node.name}"
        for node in body
        if isinstance(node, ast.AsyncFunctionDef) and re.match(r"test_\d", node.name)
    ]


@pytest.fixture(scope="module")
def report() -> dict[str, list[ElementTree.Element]]:
    with guest() as booted:
        built = booted.folder / "built"
        built.mkdir()
        build(built)
        settings = (f"PATH={os.environ['PATH']}", "NVCC=/bin/false", f"HOSTILE_PROGRAMS_BUILT={SHARE}/built")  # no CUDA
        pytest_ = ("-m", "pytest", *OPTIONS, "--import-mode=importlib", "--timeout=200", "--basetemp=/tmp/tests")
        tests = [f"{HERE}/{test}" for test in _tests() if test not in CANNOT]
        argv = ["env", "PYTHONDONTWRITEBYTECODE=1", *settings, sys.executable, "-c", WITH_LOOPBACK, *pytest_, *tests]
        status = booted.run(argv, timeout_s=BOOT_S)
        assert status in (0, 1), booted.output
        found: dict[str, list[ElementTree.Element]] = {}
        for case in ElementTree.parse(booted.folder / "report.xml").iter("testcase"):
            found.setdefault(case.get("name", ""), []).extend(case)
        return found


@pytest.mark.parametrize("test", _tests(), ids=lambda test: test.partition("::")[2])
def test_under_version_2(test: str, report: dict[str, list[ElementTree.Element]]) -> None:
    if test in CANNOT:
        pytest.skip(CANNOT[test])
    told = report[test.partition("::")[2]]
    if failures := [part.text or part.tag for part in told if part.tag in ("failure", "error")]:
        pytest.fail("\n\n".join(failures), pytrace=False)
    for part in told:
        if part.tag == "skipped":
            pytest.skip(f"in the guest: {part.get('message')}")
