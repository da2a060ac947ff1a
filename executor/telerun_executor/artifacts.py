"""Collects what a job left in `out/`. The folder is a stranger's: nothing in it is followed, everything is bounded."""

from __future__ import annotations

import asyncio
import mimetypes
import os
import stat
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from telerun_protocol.errors import TooLarge
from telerun_protocol.listing import RESERVED_FOLDER
from telerun_protocol.messages import Artifact, check_path

MOST_FILES = 200
MOST_DEPTH = 16
UPLOADS_AT_ONCE = 4

Upload = Callable[[Path], Awaitable[str]]
"""Stores a file and returns its sha256."""


@dataclass(slots=True)
class Collection:
    """What was found, and why something was not taken."""

    artifacts: list[Artifact] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def notes(self) -> tuple[str, ...]:
        return tuple(
            f"{count} file{'s' if count > 1 else ''} under out/ {'were' if count > 1 else 'was'} left out: {why}."
            for why, count in sorted(self.left_out.items())
        )


def is_empty(out: Path) -> bool:
    try:
        with os.scandir(out) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return True
    except OSError:
        return False  # what hinders us is told when it is collected


async def collect(out: Path, most_bytes: int | None, upload: Upload) -> Collection:
    """Uploads the regular files below `out`; call it when nothing of the job is alive any more."""
    collection = Collection()
    turn = asyncio.Semaphore(UPLOADS_AT_ONCE)

    async def send(path: str, fd: int, size: int) -> None:
        try:
            sha256 = await upload(Path(f"/proc/self/fd/{fd}"))  # the file that was looked at, whatever its name is now
        except TooLarge:
            collection.left_out["the server takes no file that large"] += 1
            return
        finally:
            os.close(fd)
            turn.release()
        collection.artifacts.append(Artifact(path=path, sha256=sha256, size_bytes=size, media_type=media_type(path)))

    async with asyncio.TaskGroup() as group:
        files = _files(out, most_bytes, collection.left_out)
        while await turn.acquire() and (found := next(files, None)):
            group.create_task(send(*found))
    collection.artifacts.sort(key=lambda artifact: artifact.path)
    return collection


def media_type(path: str) -> str:
    return mimetypes.guess_type(path, strict=False)[0] or "application/octet-stream"


def _files(out: Path, most_bytes: int | None, left_out: Counter[str]) -> Iterator[tuple[str, int, int]]:
    """Path, descriptor and size of each file to keep; the caller closes the descriptors."""
    try:
        root = os.open(out, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return  # the job removed it
    except OSError:
        left_out["out/ itself is no readable folder any more"] += 1
        return
    count = total = 0
    for path, fd, size in _walk(root, "", left_out):
        problem = _problem(path, count, total + size, most_bytes)
        if problem:
            left_out[problem] += 1
            os.close(fd)
            continue
        count += 1
        total += size
        yield path, fd, size


def _problem(path: str, count: int, total: int, most_bytes: int | None) -> str | None:
    try:
        check_path(path)
    except ValueError:
        return "the name is not portable"
    if path.split("/", maxsplit=1)[0] == RESERVED_FOLDER:
        return f"{RESERVED_FOLDER}/ is reserved"
    if count >= MOST_FILES:
        return f"only {MOST_FILES} files of a job are kept"
    if most_bytes is not None and total > most_bytes:
        return "together they exceed the job's disk limit"
    return None


def _walk(folder: int, prefix: str, left_out: Counter[str]) -> Iterator[tuple[str, int, int]]:
    """Goes through an open folder, which it closes, by descriptors alone."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            path = prefix + name
            try:
                fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            except OSError:
                left_out["it is not a plain readable file"] += 1  # a link, a socket, no permission
                continue
            status = os.fstat(fd)
            if stat.S_ISDIR(status.st_mode):
                if path.count("/") + 1 < MOST_DEPTH:
                    yield from _walk(fd, f"{path}/", left_out)
                else:
                    left_out[f"it lies more than {MOST_DEPTH} folders deep"] += 1
                    os.close(fd)
            elif not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
                left_out["it is not a plain readable file"] += 1
                os.close(fd)
            else:
                yield path, fd, status.st_size
    finally:
        os.close(folder)
