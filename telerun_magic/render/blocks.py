"""What a job's display is made of. Blocks hold plain, untrusted text; only the writers turn them into HTML or text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Tone(Enum):
    """What a text tells by its colour; every tone is readable on light and on dark."""

    PLAIN = "inherit"
    DIM = "#808080"
    GOOD = "#2e9e4f"
    BUSY = "#3b82c4"
    WARN = "#c27a00"
    BAD = "#d9453d"


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    tone: Tone = Tone.PLAIN
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line, pieces apart by a space."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`numeric` columns stand right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Pre:
    """Text as it was printed."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Image:
    """A picture whose type was checked by its content."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Stripe:
    """Lines that belong together: `color` counts the source lines they come from, None belongs to no line."""

    text: str
    color: int | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Source and assembly side by side."""

    left: tuple[Stripe, ...]
    right: tuple[Stripe, ...]


@dataclass(frozen=True, slots=True)
class Details:
    """Blocks behind a line to click on."""

    summary: str
    blocks: tuple[Block, ...]
    is_open: bool = False


Block = Line | Table | Pre | Image | Pair | Details


def line(text: str, tone: Tone = Tone.PLAIN, *, strong: bool = False) -> Line:
    return Line((Span(text, tone, strong),))
