"""Where instructions come from: what reports and errors name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePosixPath

from telerun_executor.emulator.ptx.nodes import Place

Spot = tuple[int, int, int]  # file number, line, column
_TOOLKIT = frozenset({"include", "cccl"})


@lru_cache(maxsize=1024)
def _of_toolkit(name: str) -> bool:
    return not _TOOLKIT.isdisjoint(PurePosixPath(name).parts[:-1])


def user_line(
    place: Place | None, callers: Mapping[Spot, Spot | None], files: Mapping[int, str]
) -> tuple[str, int] | None:
    """The innermost line of the user's own program that a place belongs to.

    A place in a header of the toolkit stands for the call that it was inlined into: each place is told once with that
    call, whose own place was told before. Where nothing is the user's, the outermost place is as good as any.
    """
    if place is None:
        return None
    spot: Spot | None = (place.file, place.line, place.column)
    seen, outermost = set[Spot](), None
    while spot is not None and spot not in seen:
        seen.add(spot)
        name = files.get(spot[0])
        if name is not None and spot[1] > 0:
            outermost = (name, spot[1])
            if not _of_toolkit(name):
                return outermost
        spot = place.inlined_at if len(seen) == 1 else callers.get(spot)
    return outermost


class Sites:
    """The table of sites of a module: an index for each instruction that can fail."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int, int, int, bool], int] = {}
        self.files: dict[str, int] = {}
        self.functions: dict[str, int] = {}

    def index(self, source: tuple[str, int] | None, function: str, ptx_line: int) -> int:
        name, line = source or ("", 0)
        row = (
            self.files.setdefault(name, len(self.files)),
            line,
            self.functions.setdefault(function, len(self.functions)),
            ptx_line,
            source is None or _of_toolkit(name),
        )
        return self.rows.setdefault(row, len(self.rows))
