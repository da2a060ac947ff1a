"""The wheel: pure Python, the front end in it once, and taken by JupyterLab 4.2 and by the newest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OLDEST = "jupyterlab==4.2.*"


def run(*argv: str | Path, **env: str) -> str:
    done = subprocess.run(argv, env={**os.environ, **env}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def pip(*argv: str | Path, **env: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--retries=1", *argv]
    done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"pip failed; it needs a package index, or a cache that has it all.\n{done.stderr}", pytrace=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, TELERUN_SKIP_LAB="1")
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's data, as an installation lays it out."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--quiet", "--no-deps", "--target", folder, wheel)
    return folder


def test_it_is_pure_and_holds_everything_once(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    roots = {name.split("/")[0] for name in names}
    version = wheel.name.split("-")[1]
    packages = {"telerun_magic", "telerun_protocol", "telerun_server", "telerun_executor", "telerun_labextension"}
    assert roots - packages == {f"telerun_magic-{version}.dist-info", f"telerun_magic-{version}.data"}
    built = [name for name in names if "/static/remoteEntry." in name]
    assert len(built) == 1
    assert "/data/share/jupyter/labextensions/telerun-lab/static/" in built[0]
    assert not [name for name in names if name.endswith((".ts", ".tsx", ".orig", ".map"))]


def test_the_newest_jupyterlab_takes_it(installed: Path) -> None:
    """The newest is the one of this environment."""
    env = {
        "JUPYTER_PATH": str(installed / "share" / "jupyter"),
        "JUPYTER_CONFIG_PATH": str(installed / "etc" / "jupyter"),
    }
    assert_taken(installed, jupyter(sys.executable, "jupyterlab.labextensions", **env))
    assert_enabled(jupyter(sys.executable, "jupyter_server.extension.serverextension", **env))


@pytest.mark.timeout(300)
def test_jupyterlab_4_2_takes_it(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own, as on a machine that has no more than the two."""
    home = tmp_path / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", home)
    python = home / "bin" / "python"
    pip("--python", python, "install", "--quiet", "--no-compile", OLDEST, wheel)
    env = {"JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "JUPYTER_DATA_DIR": str(tmp_path / "data")}
    listed = jupyter(python, "jupyterlab.labextensions", **env)
    assert "JupyterLab v4.2." in listed
    assert_taken(home, listed)
    assert_enabled(jupyter(python, "jupyter_server.extension.serverextension", **env))


def jupyter(python: str | Path, module: str, **env: str) -> str:
    return re.sub(r"\x1b\[\d*m", "", run(python, "-m", module, "list", **env))


def assert_taken(installed: Path, listed: str) -> None:
    ours = listed.partition(str(installed))[2]
    line = next(line for line in ours.splitlines() if "telerun-lab" in line)
    assert "enabled" in line
    assert "OK" in line


def assert_enabled(listed: str) -> None:
    """The line that finds it, and below it the one that has tried it."""
    lines = [line.split() for line in listed.splitlines() if "telerun_labextension" in line]
    assert lines[0] == ["telerun_labextension", "enabled"]
    assert lines[-1][0] == "telerun_labextension"
    assert lines[-1][-1] == "OK"
