"""The users that boxes run as: numbers that belong to nobody, one for each job at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from telerun_protocol.errors import SandboxError

FIRST, LAST = 61_000, 61_183  # below what systemd gives to services on its own (61184 to 65519)


class Slots:
    """Takes `count` numbers that no other executor of this machine holds, and lends them."""

    def __init__(self, locks: Path, count: int, *, first: int = FIRST, last: int = LAST) -> None:
        locks.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._locks: list[int] = []
        self._free: list[int] = []
        for number in range(first, last + 1):
            fd = os.open(locks / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # another executor's
                os.close(fd)
                continue
            self._locks.append(fd)
            self._free.append(number)
            if len(self._free) == count:
                return
        self.close()
        raise SandboxError(f"There are no {count} free user numbers between {first} and {last} for the jobs' boxes.")

    def take(self) -> int:
        """A number for one job; `give_back` makes it available again."""
        if not self._free:
            raise SandboxError("Every user number for the jobs' boxes is in use.")
        return self._free.pop(0)

    def give_back(self, user: int) -> None:
        self._free.append(user)

    def close(self) -> None:
        for fd in self._locks:
            os.close(fd)
        self._locks.clear()
        self._free.clear()
