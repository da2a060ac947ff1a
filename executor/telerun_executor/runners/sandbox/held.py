"""Folders that are an executor's as long as it lives: others remove those that nobody holds any more."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW


def hold(path: Path) -> int:
    """A descriptor of the folder, which is made where it is missing; it is held until that is closed.

    Raises OSError, such as FileNotFoundError where another executor has just removed what leads to it.
    """
    while True:
        path.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, FLAGS)
        fcntl.flock(fd, fcntl.LOCK_SH)
        if path.exists() and os.path.samestat(path.stat(), os.fstat(fd)):
            return fd
        os.close(fd)  # it was removed before it was locked


def abandoned(top: Path, pattern: str) -> Iterator[tuple[Path, int]]:
    """Those of this name in a folder that nobody holds; each, with its descriptor, is ours until the next comes."""
    for path in sorted(top.glob(pattern)):
        try:
            fd = os.open(path, FLAGS)
        except FileNotFoundError:  # its executor has just ended in good order
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield path, fd
        except BlockingIOError:
            continue
        finally:
            os.close(fd)
