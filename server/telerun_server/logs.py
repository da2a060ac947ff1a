"""The log of each job: one append-only file of frames, stored exactly as they travel."""

from __future__ import annotations

import asyncio
import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from telerun_protocol.errors import InvalidMessage, LogGap, ServerFailed, TooLarge
from telerun_protocol.logframes import HEADER, MAX_PAYLOAD_BYTES, MAX_STREAM
from telerun_server.blobs import sync_folder
from telerun_server.disk import needs_room
from telerun_server.wakeups import Wakeups

READ_BYTES = 1 << 18
SHARED_FRAMES = 8  # recent reads of one log kept for the followers at the same offset
IDLE_LOGS = 256  # logs kept open that nobody uses just now


def whole_frames(data: bytes) -> Iterator[int]:
    """The end of each whole frame in `data`; stops at one that is cut, raises InvalidMessage at what is none."""
    position = 0
    while len(data) - position >= HEADER.size:
        stream, length = HEADER.unpack_from(data, position)
        if stream > MAX_STREAM or length > MAX_PAYLOAD_BYTES or data[position + 1 : position + 4] != b"\0\0\0":
            raise InvalidMessage(f"Not a log frame at byte {position} of the append.")
        position += HEADER.size + length
        if position > len(data):
            return
        yield position


class Log:
    """One job's log. Everything here runs on the event loop, so an append is whole or not there for every reader."""

    def __init__(self, path: Path, *, repair: bool) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._shared: dict[int, tuple[int, bytes]] = {}
        self.size = 0
        self.users = 0
        self.ended = False  # set when the job ends while the log is in use
        if path.exists():
            self.size = self._repair() if repair else path.stat().st_size

    def _open(self) -> int:
        if self._descriptor is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._descriptor

    def _repair(self) -> int:
        """Cuts off the part of a frame that a crash in the middle of a write left; returns the size."""
        descriptor = self._open()
        size = os.fstat(descriptor).st_size
        if not size:
            return 0
        position = 0
        with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as data:
            while position + HEADER.size <= size:
                stream, length = HEADER.unpack_from(data, position)
                end = position + HEADER.size + length
                if stream > MAX_STREAM or length > MAX_PAYLOAD_BYTES or end > size:
                    break
                position = end
        if position < size:
            os.ftruncate(descriptor, position)
        return position

    def append(self, offset: int, data: bytes, limit: int) -> int:
        """Appends what of `data`, whole frames that begin at `offset`, is not here yet; returns the size."""
        ends = list(whole_frames(data))
        if (ends[-1] if ends else 0) != len(data):
            raise InvalidMessage("The append ends in the middle of a frame.", hint="Send whole frames.")
        if offset > self.size:
            raise LogGap(f"The log ends at byte {self.size}, before {offset}.", hint=f"Send from byte {self.size}.")
        known = self.size - offset
        if known >= len(data):
            return self.size
        if known and known not in ends:
            raise InvalidMessage(f"Byte {self.size}, where the log ends, is inside a frame of this append.")
        if offset + len(data) > limit:
            raise TooLarge("The log of this job is full.", hint="The executor should have cut the job's output.")
        self._write(memoryview(data)[known:])
        return self.size

    def _write(self, data: memoryview) -> None:
        descriptor = self._open()
        position = self.size
        try:
            with needs_room():
                while data:
                    written = os.pwrite(descriptor, data, position)
                    position, data = position + written, data[written:]
        except (OSError, ServerFailed):
            os.ftruncate(descriptor, self.size)
            raise
        self.size = position
        self._shared.clear()

    def read(self, offset: int) -> bytes:
        """Up to READ_BYTES from there on; followers at the same offset share the bytes."""
        if offset >= self.size:
            return b""
        descriptor = self._open()
        found = self._shared.get(offset)
        if found and found[0] == self.size:
            return found[1]
        data = os.pread(descriptor, min(READ_BYTES, self.size - offset), offset)
        if self.users > 1:
            if len(self._shared) >= SHARED_FRAMES:
                self._shared.pop(next(iter(self._shared)))
            self._shared[offset] = (self.size, data)
        return data

    async def sync(self) -> None:
        """Makes what was appended durable."""
        await asyncio.to_thread(self._sync, self._open())

    def _sync(self, descriptor: int) -> None:
        os.fdatasync(descriptor)
        sync_folder(self._path.parent)
        sync_folder(self._path.parent.parent)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Logs:
    """The logs of all jobs, by job id. An append and the end of the job ring ("log", job id)."""

    def __init__(self, folder: Path, wakeups: Wakeups) -> None:
        self._folder = folder
        self._wakeups = wakeups
        self._open: dict[str, Log] = {}
        self._repaired: set[str] = set()  # by this process, whose own appends are whole
        self._unsynced: set[str] = set()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, job_id: str) -> Path:
        return Path(f"{self._folder}/{job_id[1:3]}/{job_id}.log")

    @contextmanager
    def using(self, job_id: str) -> Iterator[Log]:
        """The log, kept open while it is used, and a while longer."""
        log = self._open.pop(job_id, None) or Log(self.path(job_id), repair=job_id not in self._repaired)
        self._repaired.add(job_id)
        self._open[job_id] = log  # the newest last
        log.users += 1
        try:
            yield log
        finally:
            log.users -= 1
            self._close_idle()

    def _close_idle(self) -> None:
        if len(self._open) > IDLE_LOGS:
            idle = [job_id for job_id, log in self._open.items() if not log.users]
            for job_id in idle[: len(self._open) - IDLE_LOGS]:
                self._open.pop(job_id).close()

    def size(self, job_id: str) -> int:
        """Called for each claim: where its executor goes on. What is there may not be synced by an earlier process."""
        try:
            self.path(job_id).stat()
        except FileNotFoundError:
            return 0
        self._unsynced.add(job_id)
        with self.using(job_id) as log:
            return log.size

    def append(self, job_id: str, offset: int, data: bytes, limit: int) -> int:
        self._unsynced.add(job_id)
        with self.using(job_id) as log:
            size = log.append(offset, data, limit)
        self._wakeups.ring(("log", job_id))
        return size

    def end(self, job_id: str) -> None:
        """Tells followers that nothing more will come."""
        if log := self._open.get(job_id):
            log.ended = True
        self._wakeups.ring(("log", job_id))

    async def sync(self, job_ids: Iterable[str]) -> None:
        """Called before the ends of jobs are committed: then their logs are as durable as their results."""
        if unsynced := self._unsynced.intersection(job_ids):
            await asyncio.gather(*map(self._sync, unsynced))

    async def _sync(self, job_id: str) -> None:
        self._unsynced.discard(job_id)  # before: what is appended meanwhile is not synced by this
        try:
            with self.using(job_id) as log:
                await log.sync()
        except OSError:
            self._unsynced.add(job_id)
            raise

    def remove(self, job_id: str) -> None:
        if log := self._open.pop(job_id, None):
            log.close()
        self._repaired.discard(job_id)
        self._unsynced.discard(job_id)
        self.path(job_id).unlink(missing_ok=True)

    def close(self) -> None:
        for log in self._open.values():
            log.close()
        self._open.clear()
