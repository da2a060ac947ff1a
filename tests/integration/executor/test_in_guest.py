"""cgroups of version 2, and a kernel that forbids user namespaces, for real: in one boot of user-mode Linux.

Each test of the modules below runs in the guest; here it passes, is skipped or fails as it did there.
"""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests_guest import SHARE, guest

HERE = Path(__file__).parent
MODULES = ("test_cgroups.py", "guest_cgroups_v2.py")
NEEDLESS = ("cacheprovider", "hypothesispytest", "anyio", "platformdirs")  # loading them takes time
OPTIONS = ("-q", *(f"-pno:{name}" for name in NEEDLESS), f"--junitxml={SHARE}/report.xml", "--override-ini=addopts=")
BOOT_S = 110


def _tests() -> list[str]:
    """Their names, without importing what is meant for the guest."""
    trees = {module: ast.parse((HERE / module).read_text()) for module in MODULES}
    return [
        f"{module.removesuffix('.py')}::{node.name}"
        for module, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


@pytest.fixture(scope="module")
def report() -> dict[str, ElementTree.Element]:
    with guest() as booted:
        environment = (
            "env",
            "PYTHONDONTWRITEBYTECODE=1",
            f"PATH={os.environ['PATH']}",
        )
        modules = [str(HERE / module) for module in MODULES]
        status = booted.run([*environment, sys.executable, "-m", "pytest", *OPTIONS, *modules], timeout_s=BOOT_S)
        assert status in (0, 1), booted.output
        tree = ElementTree.parse(booted.folder / "report.xml")
        return {
            f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}": case
            for case in tree.iter("testcase")
        }


@pytest.mark.parametrize("name", _tests())
def test_in_guest(name: str, report: dict[str, ElementTree.Element]) -> None:
    outcome = report[name]
    for kind in ("failure", "error"):
        if (found := outcome.find(kind)) is not None:
            pytest.fail(found.text or kind, pytrace=False)
    if (found := outcome.find("skipped")) is not None:
        pytest.skip(f"in the guest: {found.get('message')}")
