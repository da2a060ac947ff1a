"""What is built of the front end belongs to its sources, and an installation needs no node."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LAB = ROOT / "labextension"
BUILT = LAB / "telerun_labextension" / "labextension"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The build script with sources of its own and no build."""
    shutil.copy(ROOT / "hatch_build.py", tmp_path)
    for name in ("src", "style", "schema"):
        (tmp_path / "labextension" / name).mkdir(parents=True)
    for name in ("package.json", "yarn.lock", "tsconfig.json", ".yarnrc.yml", "src/index.ts", "style/index.css"):
        (tmp_path / "labextension" / name).write_text("some\ntext\n")
    return tmp_path


def python(folder: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Without node: there is nothing on this PATH."""
    environment = {**os.environ, "PATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **env}
    argv = [sys.executable, "-c", f"import hatch_build; {code}"]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True)


def source_hash(folder: Path) -> str:
    return python(folder, "print(hatch_build.source_hash())").stdout


def test_the_build_is_of_these_sources() -> None:
    done = python(ROOT, "print(hatch_build.source_hash())")
    stamp = (BUILT / ".source-hash").read_text()
    assert stamp == done.stdout, "The front end changed: run `python hatch_build.py` and commit what it built."


def test_the_hash_tells_a_change_and_nothing_else(copy: Path) -> None:
    lab, first = copy / "labextension", source_hash(copy)
    os.utime(lab / "src" / "index.ts", (1, 1))
    (lab / "src" / "index.ts").write_bytes(b"some\r\ntext\r\n")  # as git may check it out elsewhere
    (lab / "src" / "__tests__").mkdir()
    (lab / "src" / "__tests__" / "a.test.ts").write_text("x")
    (lab / "README.md").write_text("x")
    assert source_hash(copy) == first
    (lab / "src" / "index.ts").rename(lab / "src" / "main.ts")
    renamed = source_hash(copy)
    (lab / "style" / "index.css").write_text("other")
    assert len({first, renamed, source_hash(copy)}) == 3


def test_without_node_nothing_is_built(copy: Path) -> None:
    built = copy / "labextension" / "telerun_labextension" / "labextension"
    wheel = python(copy, "hatch_build.build('wheel', 'standard')")
    assert (wheel.returncode, wheel.stderr.count("\n")) == (1, 1)
    assert "needs node" in wheel.stderr
    editable = python(copy, "hatch_build.build('wheel', 'editable')")
    assert (editable.returncode, editable.stderr.count("\n")) == (0, 1)
    assert "without the JupyterLab panel" in editable.stderr
    assert list(built.iterdir()) == []  # for the installation to copy nothing from
    assert python(copy, "hatch_build.build('wheel', 'standard')", TELERUN_SKIP_LAB="1").returncode == 0
    (built / "package.json").write_text("{}")
    old = python(copy, "hatch_build.build('wheel', 'standard')")
    assert old.returncode == 0
    assert "older than its sources" in old.stderr
    (built / ".source-hash").write_text(source_hash(copy))
    assert python(copy, "hatch_build.build('wheel', 'standard')").stderr == ""


def test_one_version_and_one_name() -> None:
    package = json.loads((LAB / "package.json").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    install = json.loads((LAB / "install.json").read_text())
    assert package["version"] == project["version"]
    assert package["license"] == project["license"]
    assert install["packageName"] == project["name"] == package["jupyterlab"]["discovery"]["server"]["base"]["name"]
    assert json.loads((BUILT / "package.json").read_text())["version"] == project["version"]
    assert f"VERSION = '{project['version']}'" in (LAB / "src" / "version.ts").read_text()


def test_locks_name_no_registry() -> None:
    for name in ("yarn.lock", ".yarnrc.yml", "package.json"):
        assert not re.search(r"https?://|registry\.", (LAB / name).read_text()), name


def test_every_jupyterlab_package_is_pinned() -> None:
    """A registry may hold a family of packages at uneven patch levels: an unpinned one would not resolve there."""
    pinned = json.loads((LAB / "package.json").read_text())["resolutions"]
    locked = set(re.findall(r'resolution: "(@jupyterlab/[\w-]+)@npm', (LAB / "yarn.lock").read_text()))
    assert locked
    assert locked <= set(pinned)


def test_the_front_end_is_small() -> None:
    sizes = {file.name: file.stat().st_size for file in BUILT.rglob("*") if file.is_file()}
    assert sum(sizes.values()) < 400_000, sizes
