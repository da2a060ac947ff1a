"""The wheel: pure Python, the front end in it once, and taken by JupyterLab 4.2 and by the newest."""

from __future__ import annotations

import os
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


def pip(*argv: str | Path, **env: str) -> str:
    return run(sys.executable, "-m", "pip", "--disable-pip-version-check", *argv, **env)


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
    assert_taken(installed, jupyter("jupyterlab.labextensions", installed))
    servers = jupyter("jupyter_server.extension.serverextension", installed)
    assert "OK" in servers.rpartition("telerun_labextension")[2]


def test_jupyterlab_4_2_takes_it(installed: Path, tmp_path: Path) -> None:
    """The old one lies before the new one; what it says depends on its own list of packages only."""
    pip("install", "--quiet", "--no-deps", "--target", tmp_path, OLDEST)
    old = {"PYTHONPATH": str(tmp_path), "JUPYTERLAB_DIR": str(tmp_path / "share" / "jupyter" / "lab")}
    listed = jupyter("jupyterlab.labextensions", installed, **old)
    assert "JupyterLab v4.2." in listed
    assert_taken(installed, listed)


def jupyter(module: str, installed: Path, **env: str) -> str:
    env["JUPYTER_PATH"] = str(installed / "share" / "jupyter")
    env["JUPYTER_CONFIG_PATH"] = str(installed / "etc" / "jupyter")
    return run(sys.executable, "-m", module, "list", NO_COLOR="1", **env)


def assert_taken(installed: Path, listed: str) -> None:
    ours = listed.partition(str(installed))[2]
    line = next(line for line in ours.splitlines() if "telerun-lab" in line)
    assert "enabled" in line
    assert "OK" in line
