"""The folder of one job on the executor's disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Workspace:
    """`src` holds the job's files, `build` what compilers write, `work` is the program's current folder.

    The program finds its inputs in `work` and leaves its results in `work/out`, which exists before it starts.
    """

    root: Path

    @property
    def src(self) -> Path:
        return self.root / "src"

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def out(self) -> Path:
        return self.work / "out"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    @property
    def stdin(self) -> Path:
        return self.root / "stdin"

    @property
    def program(self) -> Path:
        return self.build / "program"

    def create(self) -> None:
        for folder in (self.src, self.build, self.out, self.tmp):
            folder.mkdir(parents=True, mode=0o700)
