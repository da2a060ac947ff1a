"""The seam to stored bytes: content-addressed, written once, read in ranges."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from telerun_protocol.errors import InvalidMessage
from telerun_server.disk import needs_room

BLOCK_BYTES = 1 << 20


class BlobWriter(ABC):
    """Takes one blob's content: `write` its blocks, `seal`, `commit`. Whoever opened it discards it in the end."""

    @abstractmethod
    async def write(self, block: bytes) -> None: ...

    @abstractmethod
    async def seal(self) -> int:
        """Makes the content durable and returns its size; InvalidMessage when it has another hash."""

    @abstractmethod
    async def commit(self) -> None:
        """Makes the blob readable, durably."""

    @abstractmethod
    def discard(self) -> None:
        """Forgets what was not committed. Never waits, may be called again and at any time."""


class Blobs(ABC):
    """Who may read what is the caller's to decide."""

    @abstractmethod
    async def receive(self, sha256: str) -> BlobWriter:
        """Called for an upload, even of a blob that is here: only who has the content may own it."""

    @abstractmethod
    def read(self, sha256: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Blocks of a stored blob. Raises FileNotFoundError before the first when it is not here."""

    @abstractmethod
    async def remove(self, sha256: str) -> None:
        """Called by retention once no row names the blob. Removing what is not here is no error."""


class FolderBlobs(Blobs):
    """Blobs as files of a local folder, each written aside and renamed when whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        for unfinished in self._incoming.iterdir():  # of an earlier process
            unfinished.unlink()

    def path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    async def receive(self, sha256: str) -> BlobWriter:
        return _FileWriter(self._incoming / secrets.token_hex(16), self.path(sha256), sha256)

    async def read(self, sha256: str, start: int, length: int) -> AsyncIterator[bytes]:
        with self.path(sha256).open("rb", buffering=0) as file:
            file.seek(start)
            while length > 0 and (block := await asyncio.to_thread(file.read, min(BLOCK_BYTES, length))):
                length -= len(block)
                yield block

    async def remove(self, sha256: str) -> None:
        self.path(sha256).unlink(missing_ok=True)


class _FileWriter(BlobWriter):
    def __init__(self, incoming: Path, final: Path, sha256: str) -> None:
        self._file = incoming.open("xb", buffering=0)
        self._incoming = incoming
        self._final = final
        self._sha256 = sha256
        self._digest = hashlib.sha256()
        self._size = 0
        self._blocks: list[bytes] = []
        self._waiting = 0
        self._busy = threading.Lock()  # held by the thread that works on the file
        self._unwanted = False

    async def write(self, block: bytes) -> None:
        self._blocks.append(block)
        self._waiting += len(block)
        if self._waiting >= BLOCK_BYTES:
            await asyncio.to_thread(self._work, self._flush)

    def _work(self, step: Callable[[], None]) -> None:
        with self._busy, needs_room():
            step()
        if self._unwanted:
            self.discard()

    def _flush(self) -> None:
        block = memoryview(b"".join(self._blocks))
        self._blocks.clear()
        self._waiting = 0
        self._digest.update(block)
        self._size += len(block)
        while block:
            block = block[self._file.write(block) :]

    async def seal(self) -> int:
        await asyncio.to_thread(self._work, self._seal)
        return self._size

    def _seal(self) -> None:
        self._flush()
        if self._digest.hexdigest() != self._sha256:
            raise InvalidMessage(
                "The content does not have the announced sha256.",
                hint="It was damaged on the way, or the file changed while it was read: send it again.",
            )
        os.fsync(self._file.fileno())

    async def commit(self) -> None:
        await asyncio.to_thread(self._work, self._commit)

    def _commit(self) -> None:
        self._final.parent.mkdir(mode=0o700, exist_ok=True)
        self._incoming.rename(self._final)
        sync_folder(self._final.parent)
        sync_folder(self._final.parent.parent)

    def discard(self) -> None:
        if not self._busy.acquire(blocking=False):
            self._unwanted = True  # the working thread does it when it is done
            return
        self._file.close()
        self._incoming.unlink(missing_ok=True)
        self._busy.release()


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable: fsync of a file covers its content alone."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
