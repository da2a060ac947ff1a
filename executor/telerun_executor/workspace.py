"""The folder of one job on the executor's disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Workspace:
    """`src` holds the job's files, `build` what compilers write, `work` is the program's current folder.

    The program finds its inputs in `work` and leaves its results in `work/out`, which exists before it starts. What it
    may write to lies in `run`, which a sandbox bounds as a whole; `tmp` is for the compilers' temporary files.
    """

    root: Path

    @property
    def src(self) -> Path:
        return self.root / "src"

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def work(self) -> Path:
        return self.run / "work"

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


@contextlib.asynccontextmanager
async def folder(root: Path, *, keep: bool) -> AsyncIterator[Workspace]:
    """A workspace in a plain folder, removed at the end unless it is to be kept."""
    workspace = Workspace(root)
    workspace.create()
    try:
        yield workspace
    finally:
        if not keep:
            await asyncio.to_thread(remove, root)


def remove(path: Path) -> None:
    """Removes a folder that a job has filled, also where it took the permission to do so from its own folders."""
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        for parent, names, _ in os.walk(path):
            for name in (Path(parent, name) for name in names):
                if not name.is_symlink():
                    name.chmod(0o700)
        shutil.rmtree(path, ignore_errors=True)
