"""What keeps a listing small enough for a notebook, whatever the compilers wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from telerun_protocol.listing import AsmFunction, AsmListing, AsmRange, AsmView

MAX_FILE_BYTES = 64 << 20
MAX_VIEW_LINES = 20_000
MAX_LISTING_BYTES = 8 << 20
_PER_LINE = 4  # bytes of JSON around a line
_PER_RANGE = 24
_PER_FUNCTION = 80


def read_text(path: Path, what: str) -> tuple[str | None, list[str]]:
    """A file written by a compiler, or a note why it cannot be shown."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return None, [f"{what[0].upper()}{what[1:]} is larger than {MAX_FILE_BYTES >> 20} MiB: see the raw file."]
        return path.read_bytes().decode(errors="replace"), []
    except OSError as error:
        return None, [f"{what[0].upper()}{what[1:]} is missing: {error.strerror}."]


def bounded(listing: AsmListing) -> AsmListing:
    """The listing cut to its bounds, with a note for each view that was cut; the raw files stay complete."""
    left = MAX_LISTING_BYTES - sum(len(line.encode()) + _PER_LINE for line in listing.source)
    views, notes = [], list(listing.notes)
    for index, view in enumerate(listing.views):
        # An equal share of what is left, so that a large first view does not swallow the others.
        share = max(0, left) // (len(listing.views) - index)
        functions, used = _cut(view.functions, share)
        left -= used
        views.append(msgspec.structs.replace(view, functions=functions))
        kept, had = _lines(functions), _lines(view.functions)
        if kept < had:
            notes.append(f"{_title(view)}: {kept} of {had} lines are listed; the raw file has all of them.")
    return msgspec.structs.replace(listing, views=tuple(views), notes=tuple(notes))


def _title(view: AsmView) -> str:
    return f"{view.kind.upper() if view.kind != 'host' else 'Host assembly'} {view.arch}"


def _lines(functions: Sequence[AsmFunction]) -> int:
    return sum(len(function.text) for function in functions)


def _cut(functions: Sequence[AsmFunction], size_bytes: int) -> tuple[tuple[AsmFunction, ...], int]:
    kept, used, lines = list[AsmFunction](), 0, 0
    for function in functions:
        used += _PER_FUNCTION + len(function.symbol) + len(function.name) + _PER_RANGE * len(function.ranges)
        count = 0
        for line in function.text[: MAX_VIEW_LINES - lines]:
            used += len(line.encode()) + _PER_LINE
            if used > size_bytes:
                break
            count += 1
        lines += count
        if count == len(function.text):
            kept.append(function)
            continue
        if count:
            cut = tuple(AsmRange(r.first, min(r.last, count - 1), r.source) for r in function.ranges if r.first < count)
            kept.append(msgspec.structs.replace(function, text=function.text[:count], ranges=cut))
        break
    return tuple(kept), min(used, size_bytes)
