"""The example notebooks as files: valid, clean, the same every time, and complete."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from telerun_magic import options

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted((EXAMPLES / "notebooks").glob("*.ipynb"))


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def notebook(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def test_there_are_five() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05"]


def test_format(path: Path, notebook: NotebookNode) -> None:
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert path.read_text() == nbformat.writes(notebook) + "\n", "save it as nbformat writes it"


def test_nothing_of_an_earlier_run_is_kept(notebook: NotebookNode) -> None:
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code(notebook))
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)


def test_the_extension_is_loaded_first(notebook: NotebookNode) -> None:
    assert code(notebook)[0].source.startswith("%load_ext telerun_magic")
    assert notebook.cells[0].source.startswith("# ")


def test_results_do_not_depend_on_chance_or_the_clock(notebook: NotebookNode) -> None:
    for cell in code(notebook):
        assert not re.search(r"random_device|\bs?rand\(|\btime\((NULL|nullptr|0)|import random|sleep", cell.source)


def test_code_fits_a_page(notebook: NotebookNode) -> None:
    for cell in code(notebook):
        for line in cell.source.splitlines():
            assert len(line) <= 120
            assert line == line.rstrip()


def test_files_and_links_exist(path: Path, notebook: NotebookNode) -> None:
    named = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            named += re.findall(r"\]\((?!https?:)([^)]+)\)", cell.source)
        elif cell.source.startswith("%%telerun"):
            words = shlex.split(cell.source.splitlines()[0])
            named += [value for option, value in pairwise(words) if option in ("--stdin", "--in", "--header")]
        else:
            named += re.findall(r'submit\(Path\("([^"]+)"\)', cell.source)
    assert [name for name in named if not (path.parent / name).exists()] == []


def test_options_are_understood(path: Path, notebook: NotebookNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    for cell in code(notebook):
        if cell.source.startswith("%%telerun"):
            given = options.parse(cell.source.splitlines()[0].removeprefix("%%telerun"))
            assert options.words(given, {})["lang"] in ("cpp", "cu")
            options.presentation(given)


def test_the_index_names_every_notebook() -> None:
    linked = re.findall(r"\]\((notebooks/[^)]+)\)", (EXAMPLES / "README.md").read_text())
    assert linked == [path.relative_to(EXAMPLES).as_posix() for path in NOTEBOOKS]
