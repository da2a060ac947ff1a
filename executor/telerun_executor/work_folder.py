"""The executor's own folder: one process holds it; in it lie the jobs' workspaces and the traces of a predecessor."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from telerun_executor.runners.launch import end_leftovers
from telerun_executor.workspace import remove
from telerun_protocol.errors import TelerunError


class WorkFolderInUse(TelerunError):
    """Another executor uses this work folder."""


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """A locked work folder. `replaces` is the instance that held it before."""

    path: Path
    instance: str
    replaces: str | None

    @property
    def jobs(self) -> Path:
        return self.path / "jobs"

    @property
    def processes(self) -> Path:
        return self.path / "processes"


@contextlib.contextmanager
def hold(path: Path, *, keep: bool = False) -> Iterator[WorkFolder]:
    """Takes a work folder, ends and removes what a dead predecessor left in it, and gives it back in order.

    Raises WorkFolderInUse when a living executor holds it.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        lock = FileLock(path / "lock")
        lock.acquire(blocking=False)
    except Timeout as error:
        raise WorkFolderInUse(
            f"Another executor uses the work folder {path}.", hint="Give this one another --work-dir."
        ) from error
    with lock:
        note = path / "instance"
        before = note.read_text() if note.is_file() else ""
        folder = WorkFolder(path, uuid.uuid4().hex, before if re.fullmatch("[0-9a-f]{32}", before) else None)
        end_leftovers(folder.processes)
        if not keep:
            remove(folder.jobs)
        for needed in (folder.jobs, folder.processes):
            needed.mkdir(exist_ok=True, mode=0o700)
        note.write_text(folder.instance)
        yield folder
