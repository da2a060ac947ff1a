"""What keeps reading safe and a listing small enough for a notebook, whatever lies in the build folder.

The job's program may be running meanwhile, and may write there: nothing is followed, waited for or read without end.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec.structs import replace

from telerun_protocol.listing import AsmFunction, AsmListing, AsmRange

MAX_TEXT_BYTES = 16 << 20
MAX_TEXT_LINES = 300_000
MAX_LINE_CHARACTERS = 2_000
MAX_VIEW_LINES = 20_000
MAX_LISTING_BYTES = 8 << 20
_PER_LINE = 4  # bytes of JSON around a line
_PER_RANGE = 24
_PER_FUNCTION = 80


def read_bytes(path: Path, limit_bytes: int) -> bytes:
    """The beginning of a regular file. Raises OSError for anything else."""
    # Without O_NONBLOCK, opening a pipe would wait for somebody to write.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path.name} is not a file")
        return file.read(limit_bytes)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Writes a new file in the place of whatever is there."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "w", errors="surrogateescape", newline="") as file:
        file.writelines(lines)


def read_lines(path: Path, what: str) -> tuple[list[str] | None, list[str]]:
    """The lines of a file that a compiler wrote, and notes on what is missing of it; None if there is nothing."""
    try:
        data = read_bytes(path, MAX_TEXT_BYTES + 1)
    except OSError as error:
        return None, [f"{what} is missing: {error.strerror or error}."]
    lines = data[:MAX_TEXT_BYTES].decode(errors="replace").removesuffix("\n").split("\n", MAX_TEXT_LINES)
    cut = len(data) > MAX_TEXT_BYTES or len(lines) > MAX_TEXT_LINES
    if cut:
        lines.pop()
    notes = [f"{what}: the first {len(lines)} lines were read; the raw file has all of them."] if cut else []
    return [line[:MAX_LINE_CHARACTERS] for line in lines], notes


def bounded(listing: AsmListing) -> AsmListing:
    """The listing cut to its bounds, with a note for each part that was cut; the raw files stay complete."""
    notes = list(listing.notes)
    kept, used = _fitting(listing.source, MAX_LISTING_BYTES // 2)
    if kept < len(listing.source):
        notes.append(f"Source: {kept} of {len(listing.source)} lines are listed.")
    left, views = MAX_LISTING_BYTES - used, []
    for index, view in enumerate(listing.views):
        # An equal share of what is left, so that a large first view does not swallow the others.
        functions, used = _cut(view.functions, left // (len(listing.views) - index))
        left -= used
        views.append(replace(view, functions=functions))
        has, had = (sum(len(function.text) for function in group) for group in (functions, view.functions))
        if has < had:
            title = "Host assembly" if view.kind == "host" else view.kind.upper()
            notes.append(f"{title} {view.arch}: {has} of {had} lines are listed; the raw file has all of them.")
    return replace(listing, source=listing.source[:kept], views=tuple(views), notes=tuple(notes))


def _fitting(lines: Sequence[str], size_bytes: int, limit: int = MAX_VIEW_LINES) -> tuple[int, int]:
    """How many of the lines fit, and their size."""
    used = 0
    for count, line in enumerate(lines[:limit]):
        size = len(line.encode()) + _PER_LINE
        if used + size > size_bytes:
            return count, used
        used += size
    return min(len(lines), limit), used


def _cut(functions: Sequence[AsmFunction], size_bytes: int) -> tuple[tuple[AsmFunction, ...], int]:
    kept, used, lines = list[AsmFunction](), 0, 0
    for function in functions:
        used += _PER_FUNCTION + len(function.symbol) + len(function.name) + _PER_RANGE * len(function.ranges)
        count, size = _fitting(function.text, size_bytes - used, MAX_VIEW_LINES - lines)
        used += size
        lines += count
        if count == len(function.text) and used <= size_bytes:
            kept.append(function)
            continue
        if count:
            ranges = tuple(
                AsmRange(r.first, min(r.last, count - 1), r.source) for r in function.ranges if r.first < count
            )
            kept.append(replace(function, text=function.text[:count], ranges=ranges))
        break
    return tuple(kept), min(used, size_bytes)
