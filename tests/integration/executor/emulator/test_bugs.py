"""Each planted bug is found and reported with the line it stands in."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests_cuda_corpus import BUGS, Compiled, Emulator, planted_bug


@pytest.mark.timeout(300)  # the first waits for its own compilation among the others'
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.stem)
def test_bug_is_reported_with_its_line(bug: Path, emulator: Emulator, compiled_bugs: Compiled) -> None:
    line, words = planted_bug(bug)
    done = emulator.run(compiled_bugs[bug], checks="all")
    reports = [text for text in done.stderr.splitlines() if text.startswith("telerun emulation: ")]
    assert [text for text in reports if words in text and f"{bug.name}:{line}" in text], done.stdout + done.stderr
