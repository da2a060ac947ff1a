"""Reading the documentation's pages: their code, tables and sections."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
SCRIPTS = sorted(path for path in (DOCS / "examples").iterdir() if path.is_file())


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def fences(text: str, *languages: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [body for language, body in found if not languages or language in languages]


def spans(text: str) -> list[str]:
    """Inline code."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


def table_rows(text: str) -> list[list[str]]:
    rows = re.findall(r"^\| (.+) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in rows]


def section(text: str, heading: str) -> str:
    return text.split(f"\n## {heading}\n")[1].partition("\n## ")[0]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)
