"""Writing to disk: a full one, and files that only their owner reads."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telerun_protocol.errors import InvalidMessage, ServerFailed

log = logging.getLogger(__name__)


@contextmanager
def needs_room() -> Iterator[None]:
    """A full disk is told as such: it is nobody's mistake but the administrator's to mend."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            log.error("the disk is full")
            raise ServerFailed("The server's disk is full.", hint="Its administrator has to make room.") from error
        raise


def make_secret_folder(folder: Path) -> None:
    """A folder that only its owner can enter, also where it was there before."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise InvalidMessage(f"The folder {folder} cannot be made: {error.strerror}.") from error


def write_secret(path: Path, token: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
    new.replace(path)
