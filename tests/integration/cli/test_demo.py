"""The demo executes notebooks and its exit code says whether all held."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

LOAD = "%load_ext telerun_magic"
GOOD = '%%telerun py\nprint("from the executor")\nopen("out/x.txt", "w").write("x")'


FAILS = "%%telerun py\nraise SystemExit(3)"


def put(folder: Path, name: str, *cells: str, tags: tuple[str, ...] = ()) -> None:
    folder.mkdir(exist_ok=True)
    made = [new_code_cell(cell) for cell in cells]
    made[-1].metadata.tags = list(tags)
    nbformat.write(new_notebook(cells=made), folder / f"{name}.ipynb")


def demo(folder: Path, out: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "telerun_magic.local.demo", "--notebooks", str(folder), "--out", str(out)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=110)


def test_what_holds_and_what_does_not(tmp_path: Path) -> None:
    folder, out = tmp_path / "notebooks", tmp_path / "out"
    put(folder, "a-good", LOAD, GOOD, FAILS, tags=("raises-exception",))
    put(folder, "b-bad", LOAD, FAILS)
    done = demo(folder, out)
    assert done.returncode == 1, done
    assert [line.split()[:4] for line in done.stdout.splitlines() if line.startswith(("ok", "FAIL"))] == [
        ["ok", "a-good", "cell", "2"],
        ["ok", "a-good", "cell", "3"],
        ["FAIL", "b-bad", "cell", "2"],
        ["ok", "b-bad", "cell", "2"],
    ]
    assert "1 of them wrong" in done.stdout
    executed = nbformat.read(out / "a-good.ipynb", as_version=4)
    assert any("from the executor" in output.get("text", "") for output in executed.cells[1].outputs)
    assert "from the executor" in (out / "a-good.html").read_text()
    assert (out / "b-bad.html").exists()
    assert "a-good.html" in (out / "index.html").read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["a-good.ipynb", "b-bad.ipynb"]  # nothing beside them


def test_nothing_to_do_is_not_all_is_well(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert demo(tmp_path / "empty", tmp_path / "out").returncode == 1
    assert demo(tmp_path / "nowhere", tmp_path / "out").returncode == 2
