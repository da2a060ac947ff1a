"""Mistakes that a GPU hides, planted in CUDA cells: the notebook names each with its line of the cell."""

from __future__ import annotations

import re

import pytest
from tests_cuda_corpus import BUGS, no_compiler, planted_bug

KINDS = (
    "global_out_of_bounds",
    "shared_out_of_bounds",
    "shared_race",
    "divergent_barrier",
    "misaligned",
    "use_after_free",
    "uninitialised_shared",
    "host_pointer",
)


@pytest.mark.timeout(300)  # a notebook of eight programs to compile
@pytest.mark.skipif(bool(no_compiler()), reason=f"needs nvcc and gcc: {no_compiler()}")
def test_planted_bugs_are_shown_with_the_line_of_the_cell(execute) -> None:
    bugs = {bug.stem: bug for bug in BUGS}
    magic = "%%telerun cu --device emulated --check memory,init,barriers,races --keep-going\n"
    cells = execute(*(magic + bugs[kind].read_text() for kind in KINDS))
    for kind, shown in zip(KINDS, cells, strict=True):
        line, words = planted_bug(bugs[kind])
        told = [text for text in shown.text.splitlines() if text.startswith("cell line ") and words in text]
        assert any(re.search(rf"\bcell line {line + 1}\b", text) for text in told), shown.text
        assert "CPU emulation" in shown.text
