"""The cells of the documentation, run in order, page by page: a real kernel, the real server and a real executor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from notebook_kernel import Shown
from tests_docs import DOCS, fences, text_of

pytestmark = pytest.mark.timeout(300)
NEEDS_GPU = "needs 1 GPU"


@pytest.mark.parametrize("name", ["notebook", "python-api", "guide-student", "guide-instructor"])
def test_the_cells_of_a_page_run(name: str, execute: Callable[..., list[Shown]]) -> None:
    cells = fences(text_of(DOCS / f"{name}.md"), "python", "cpp", "cuda", "sh")
    assert cells
    for source, shown in zip(cells, execute(*cells), strict=True):
        if shown.error is not None:
            assert "%%telerun" in source, source
            assert NEEDS_GPU in shown.error, f"{source}\n{shown.error}"


def test_what_runs_in_the_background_is_shown(execute: Callable[..., list[Shown]]) -> None:
    cells = fences(text_of(DOCS / "notebook.md"), "python")
    background = next(source for source in cells if "--bg" in source)
    shown, waited = execute(background, "%telerun_wait")
    assert shown.text.endswith("\n".join("01234"))
    assert "succeeded" in waited.stream()
