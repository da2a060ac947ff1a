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
        self._places = locks
        self._locks: list[int] = []
        self._numbers = iter(range(first, last + 1))
        try:
            self._free = [self._another() for _ in range(count)]
        except SandboxError:
            self.close()
            raise

    def take(self) -> int:
        """A number for one job. `give_back` makes it available again; one that is not given back is replaced."""
        return self._free.pop(0) if self._free else self._another()

    def _another(self) -> int:
        for number in self._numbers:
            fd = os.open(self._places / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # another executor's
                os.close(fd)
            else:
                self._locks.append(fd)
                return number
        raise SandboxError(f"Every user number for the jobs' boxes is in use, up to {LAST}.")

    def give_back(self, user: int) -> None:
        self._free.append(user)

    def close(self) -> None:
        for fd in self._locks:
            os.close(fd)
        self._locks.clear()
