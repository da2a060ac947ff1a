"""The folder that a job's files are put into: nothing a job named can lead outside of it."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import check_path


class OutFolder:
    """Made when the first file is put into it. Files are complete or absent; links in it are never followed.

    `first` is a name and a content to be there before all others.
    """

    def __init__(self, root: Path, first: tuple[str, bytes] | None = None) -> None:
        self.root = root
        self._first = first

    async def save(self, path: str, blocks: AsyncIterator[bytes]) -> None:
        """Puts a file at `path`, replacing one that is there."""
        with self._replacing(path) as fd:
            async for block in blocks:
                _write(fd, block)

    def write(self, path: str, content: bytes) -> None:
        with self._replacing(path) as fd:
            _write(fd, content)

    @contextmanager
    def _replacing(self, path: str) -> Iterator[int]:
        """A descriptor for the new content of `path`; it takes its name when all has been written."""
        if self._first:
            first, self._first = self._first, None
            self.write(*first)
        try:
            check_path(path)
        except ValueError as error:
            raise InvalidMessage(f"A file of the job was refused: {error}.") from None
        *folders, name = path.split("/")
        passing = f".telerun-{secrets.token_hex(8)}"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with ExitStack() as opened:
                folder = _opened(opened, self.root, os.O_DIRECTORY)
                for part in folders:
                    with suppress(FileExistsError):  # a link or file of this name is refused by the next line
                        os.mkdir(part, dir_fd=folder)
                    folder = _opened(opened, part, os.O_DIRECTORY | os.O_NOFOLLOW, folder)
                fd = _opened(opened, passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, folder)
                try:
                    yield fd
                    os.replace(passing, name, src_dir_fd=folder, dst_dir_fd=folder)
                except BaseException:
                    os.unlink(passing, dir_fd=folder)
                    raise
        except OSError as error:
            raise InvalidMessage(f"{self.root / path} cannot be written: {error.strerror}.") from error


def _opened(stack: ExitStack, path: str | Path, flags: int, folder: int | None = None) -> int:
    fd = os.open(path, flags, 0o666, dir_fd=folder)
    stack.callback(os.close, fd)
    return fd


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
