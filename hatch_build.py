"""Builds the JupyterLab front end, when its sources changed and node is here. Run it to build after a change.

What was built is committed, so that an installation needs no node. Whether it is up to date is told by a hash of the
sources: times mean nothing after a clone or a pull.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).parent / "labextension"
BUILT = SOURCES / "telerun_labextension" / "labextension"
STAMP = BUILT / ".source-hash"
INPUTS = ("package.json", "yarn.lock", "tsconfig.json", ".yarnrc.yml", "src", "style", "schema")


def source_hash() -> str:
    """Changes when anything changes that the front end is built from, and with nothing else."""
    digest = hashlib.sha256()
    for file in _inputs():
        content = file.read_bytes().replace(b"\r\n", b"\n")
        digest.update(b"%b\0%d\0%b" % (file.relative_to(SOURCES).as_posix().encode(), len(content), content))
    return digest.hexdigest()


def _inputs() -> Iterator[Path]:
    for path in (SOURCES / name for name in INPUTS):
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in files if file.is_file() and "__tests__" not in file.parts)


def _has_node() -> bool:
    """Whether there is one that runs: an environment's own may be out of reach in the isolation of a build."""
    node = shutil.which("node")
    return node is not None and subprocess.run([node, "--version"], capture_output=True, check=False).returncode == 0


def build(_target: str = "wheel", version: str = "standard", **_: object) -> None:
    """Called by hatch-jupyter-builder before a wheel or an editable installation is made."""
    BUILT.mkdir(parents=True, exist_ok=True)  # it is shipped in any case
    is_there = (BUILT / "package.json").is_file()
    if not (SOURCES / "src").is_dir() or (is_there and STAMP.is_file() and STAMP.read_text().strip() == source_hash()):
        return
    unwanted = bool(os.environ.get("TELERUN_SKIP_LAB"))
    if unwanted or not _has_node():
        if is_there:
            print("telerun: the JupyterLab panel is older than its sources and is used as it is", file=sys.stderr)
        elif unwanted or version == "editable":
            print("telerun: installing without the JupyterLab panel, which needs node to be built", file=sys.stderr)
        else:
            raise SystemExit("telerun: building the JupyterLab panel needs node >= 20.19 (or set TELERUN_SKIP_LAB=1)")
        return
    tools = Path(sys.executable).parent  # jlpm, where this environment is not activated
    env = {**os.environ, "PATH": f"{os.environ['PATH']}{os.pathsep}{tools}", "YARN_ENABLE_PROGRESS_BARS": "0"}
    for command in (["jlpm", "install", "--immutable"], ["jlpm", "build:prod"]):
        subprocess.run(command, cwd=SOURCES, env=env, check=True)
    for left in BUILT.rglob("*.orig"):
        left.unlink()
    STAMP.write_text(source_hash() + "\n")


if __name__ == "__main__":
    build()
