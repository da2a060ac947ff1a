"""The hostile programs that cgroups of version 2 have to hold, with server and executor in a guest that has no others.

One boot of user-mode Linux runs the tests of `test_hostile_programs.py` that are named here; each passes, is skipped or
fails here as it did there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests_guest import SHARE, guest

HERE = Path(__file__).parent
ROWS = ("1-processes-fork-bomb", "4-memory-children", "13-processes-daemon", "25-disk-everywhere")
TEST = "test_hostile_programs.py::test_it_ends_as_it_must_and_nothing_else_notices"
WITH_LOOPBACK = """
import fcntl, os, socket, struct, sys
with socket.socket() as any:
    SIOCSIFFLAGS, IFF_UP = 0x8914, 1
    fcntl.ioctl(any, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
OPTIONS = ("-q", "-pno:cacheprovider", "-pno:anyio", f"--junitxml={SHARE}/report.xml", "--override-ini=addopts=")
BOOT_S = 300
pytestmark = pytest.mark.timeout(BOOT_S + 20)


@pytest.fixture(scope="module")
def report() -> dict[str, ElementTree.Element]:
    with guest() as booted:
        environment = ("env", "PYTHONDONTWRITEBYTECODE=1", f"PATH={os.environ['PATH']}", "NVCC=/bin/false")  # no CUDA
        pytest_ = ("-m", "pytest", *OPTIONS, "--import-mode=importlib", "--timeout=200", "--basetemp=/tmp/tests")
        tests = [f"{HERE}/{TEST}[{row}]" for row in ROWS]
        argv = [*environment, sys.executable, "-c", WITH_LOOPBACK, *pytest_, *tests]
        status = booted.run(argv, timeout_s=BOOT_S)
        assert status in (0, 1), booted.output
        tree = ElementTree.parse(booted.folder / "report.xml")
        return {case.get("name", "").partition("[")[2].rstrip("]"): case for case in tree.iter("testcase")}


@pytest.mark.parametrize("row", ROWS)
def test_under_version_2(row: str, report: dict[str, ElementTree.Element]) -> None:
    outcome = report[row]
    for kind in ("failure", "error"):
        if (found := outcome.find(kind)) is not None:
            pytest.fail(found.text or kind, pytrace=False)
    if (found := outcome.find("skipped")) is not None:
        pytest.skip(f"in the guest: {found.get('message')}")
