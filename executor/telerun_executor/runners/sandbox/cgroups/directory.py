"""A directory of a cgroup file system, opened once: its files are then named relative to a descriptor."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from telerun_executor.runners.sandbox import held
from telerun_executor.runners.sandbox.held import FLAGS
from telerun_protocol.errors import SandboxError

TOP = "telerun"  # below it, each executor has a directory of its own
OF_EXECUTORS = "executor-"  # how its name begins, if it is to be removed when its executor died
MOST_BYTES = 1 << 16


class Directory:
    """Methods raise OSError, except where they say otherwise."""

    def __init__(self, path: str, fd: int = -1) -> None:
        """Without a descriptor it is one that is missing or closed: nothing can be read or written in it."""
        self.path = path
        self.fd = fd

    @classmethod
    def open(cls, path: str) -> Directory:
        return cls(path, os.open(path, FLAGS))

    def child(self, name: str, *, make: bool = False) -> Directory:
        """The one of this name in it, made before where that is wished."""
        if make:
            os.mkdir(name, 0o755, dir_fd=self.fd)
        return Directory(f"{self.path}/{name}", os.open(name, FLAGS, dir_fd=self.fd))

    def children(self) -> list[str]:
        with os.scandir(self.fd) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))

    def remove(self, name: str) -> bool:
        """Removes the one of this name in it; False where something is still in that."""
        try:
            os.rmdir(name, dir_fd=self.fd)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def has(self, file: str) -> bool:
        return os.access(file, os.F_OK, dir_fd=self.fd)

    def write(self, file: str, *values: object) -> None:
        """Writes one after the other. Raises SandboxError."""
        value: object = None
        try:
            fd = os.open(file, os.O_WRONLY | os.O_CLOEXEC, dir_fd=self.fd)
            try:
                for value in values:
                    os.write(fd, str(value).encode())
            finally:
                os.close(fd)
        except OSError as error:
            message = f"Could not write {value} to {self.path}/{file}: {error.strerror}."
            raise SandboxError(message) from error

    def read(self, file: str) -> str:
        """Empty where there is no such file, or no such cgroup any more."""
        try:
            fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.fd)
        except OSError:
            return ""
        try:
            return os.read(fd, MOST_BYTES).decode()
        except OSError:
            return ""
        finally:
            os.close(fd)

    def words(self, file: str) -> list[str]:
        return self.read(file).split()

    def number(self, file: str) -> int:
        """Zero where the file holds none."""
        text = self.read(file).strip()
        return int(text) if text.isdecimal() else 0

    def counters(self, file: str) -> dict[str, int]:
        """A file of lines such as "oom_kill 0"."""
        words = (line.split() for line in self.read(file).splitlines())
        return {line[0]: int(line[1]) for line in words if len(line) == 2 and line[1].isdecimal()}

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def open_parent(base: str, owner: str) -> Directory:
    """The directory of an executor below `base`, made where it is missing; while it is open, it counts as in use."""
    path = Path(base, TOP, owner)
    if not Path(base, "cgroup.procs").exists():  # something else was mounted over it
        raise FileNotFoundError(errno.ENOENT, "No cgroup")
    while True:
        try:
            return Directory(str(path), held.hold(path))
        except FileNotFoundError:
            if not Path(base).is_dir():
                raise  # otherwise another executor has just removed what it thought unused


def remove_parent(parent: Directory) -> None:
    """Closes and removes what `open_parent` made, as far as nothing else is in it."""
    _remove_empty(Path(parent.path))
    parent.close()


def _remove_empty(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.rmdir()
        path.parent.rmdir()


def of_dead_executors(parent: Directory) -> Iterator[Directory]:
    """The directories beside an executor's own that nobody uses any more; each is removed after its turn, if empty."""
    for path, fd in held.abandoned(Path(parent.path).parent, f"{OF_EXECUTORS}*"):
        yield Directory(str(path), fd)
        _remove_empty(path)
