"""The main source file of a job, as compilers name it, and how lines of assembly are tied to it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from telerun_executor.asm.bounds import read_lines
from telerun_executor.workspace import Workspace
from telerun_protocol.listing import AsmRange


@dataclass(frozen=True, kw_only=True)
class MainSource:
    """`path` is the path in the spec; compilers run in the workspace's `src` and are given it relative to that."""

    path: str
    workspace: Workspace

    @property
    def stem(self) -> str:
        return PurePosixPath(self.path).stem

    def is_named(self, name: str) -> bool:
        """Whether a compiler that writes `name` into line information means this file.

        The folder above `src` is not compared: a box may show the workspace to the compiler in another place.
        """
        found = self._asked.get(name)
        if found is None:
            path = os.path.normpath(name)
            tail = f"/{self.workspace.src.name}/{self.path}"
            found = self._asked[name] = path == self.path or (path.startswith("/") and path.endswith(tail))
        return found

    @cached_property
    def _asked(self) -> dict[str, bool]:
        """Each instruction asks, and there are few names."""
        return {}

    def lines(self) -> tuple[str, ...]:
        lines, _ = read_lines(self.workspace.src / self.path, "The source")
        return tuple(lines or ())


def ranges(sources: Iterable[int | None]) -> tuple[AsmRange, ...]:
    """Runs of neighbouring lines with the same source line; lines without one are in no range."""
    found: list[AsmRange] = []
    for index, source in enumerate(sources):
        if not source:
            continue
        if found and found[-1].source == source and found[-1].last == index - 1:
            found[-1] = AsmRange(found[-1].first, index, source)
        else:
            found.append(AsmRange(index, index, source))
    return tuple(found)


def unquote(text: str) -> str:
    r"""The value of a string in assembly, in which bytes may be written as \ooo."""

    def byte(match: re.Match[bytes]) -> bytes:
        return bytes([int(match[1], 8) & 0xFF]) if match[1] else match[2]

    return re.sub(rb"\\(?:([0-7]{1,3})|(.))", byte, text.encode(errors="surrogateescape")).decode(errors="replace")
