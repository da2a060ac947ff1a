"""A full disk is told as such: it is nobody's mistake but the administrator's to mend."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from telerun_protocol.errors import ServerFailed

log = logging.getLogger(__name__)


@contextmanager
def needs_room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            log.error("the disk is full")
            raise ServerFailed("The server's disk is full.", hint="Its administrator has to make room.") from error
        raise
