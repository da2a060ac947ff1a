"""The page about the commands says what the commands say."""

import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "reference-cli.md"


def test_the_page_is_fresh(tmp_path: Path) -> None:
    """Written by a process of its own: commands remember the options of whoever showed their help before."""
    fresh = tmp_path / "page.md"
    subprocess.run([sys.executable, "-m", "telerun_magic.cli.reference", str(fresh)], check=True)
    assert PAGE.read_text(encoding="utf-8") == fresh.read_text(encoding="utf-8"), (
        f"write it again: python -m telerun_magic.cli.reference {PAGE.relative_to(PAGE.parents[1])}"
    )
