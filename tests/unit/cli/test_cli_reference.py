"""The page about the commands says what the commands say."""

from pathlib import Path

from telerun_magic.cli.reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "reference-cli.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        f"write it again: python -m telerun_magic.cli.reference {PAGE}"
    )
