"""One SQLite connection in one thread: whole transactions are posted to it, and what is queued commits together."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from telerun_protocol.errors import ServerFailed

P = ParamSpec("P")
T = TypeVar("T")
Execute = Callable[..., sqlite3.Cursor]
Item = tuple[Callable[[Execute], Any], asyncio.Future[Any]]
Answer = tuple[asyncio.Future[Any], Any, BaseException | None]

GROUP = 64
LINGER = 0.1  # of the time of a commit: what comes within that shares the next one
BUSY_TIMEOUT_MS = 5000  # a backup may hold the file for a moment

log = logging.getLogger(__name__)


def connect(path: Path) -> sqlite3.Connection:
    """A connection on which we say BEGIN and COMMIT ourselves; an acknowledged commit survives power loss."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # not stored in the file: said on every connection
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


class DatabaseThread:
    """`await database(function, *args)` runs `function(execute, *args)` in the thread.

    The answer comes after its COMMIT is durable. An error undoes only what its own function wrote: the batch is then
    run again, each function in a savepoint, so a function does nothing but read and write the database. An error of
    COMMIT goes to everyone whose function was in the batch. With `read_only`, functions run one by one, each on its
    own snapshot.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._loop = asyncio.get_running_loop()
        self._todo: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._connection = connect(path)
        if read_only:
            self._connection.execute("PRAGMA query_only=ON")
        self._begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"
        self._group = 1 if read_only else GROUP
        self._commit_s = 0.0  # what the latest commit took
        self._thread = threading.Thread(target=self._run, name=f"database-{path.name}", daemon=True)
        self._thread.start()

    def __call__(
        self, function: Callable[Concatenate[Execute, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self._loop.create_future()
        self._todo.put((lambda execute: function(execute, *args, **kwargs), future))
        return future

    async def close(self) -> None:
        """Runs what was posted before, then ends the thread."""
        self._todo.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            item = self._todo.get()
            if self._todo.qsize() < self._group - 1:
                time.sleep(LINGER * self._commit_s)  # not a get() with a timeout: CPython 3.11 may not end a short one
            batch: list[Item] = []
            while item is not None:
                batch.append(item)
                if len(batch) == self._group:
                    break
                try:
                    item = self._todo.get_nowait()
                except queue.Empty:
                    break
            stopping = item is None
            if batch:
                self._loop.call_soon_threadsafe(self._answer, self._commit(batch))
        self._connection.close()

    def _commit(self, batch: list[Item]) -> list[Answer]:
        try:
            answers = self._together(batch)
            if answers is None:
                answers = self._each_in_a_savepoint(batch)
            began = time.monotonic()
            self._connection.execute("COMMIT")
            self._commit_s = time.monotonic() - began
        except sqlite3.Error as error:  # disk full, I/O error: nobody may believe that it is stored
            log.exception("the database could not commit")
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return [(future, None, _failed(error)) for _, future in batch]
        return answers

    def _together(self, batch: list[Item]) -> list[Answer] | None:
        """All of them, with no savepoints, as almost always none fails. None, and nothing is done, when one did."""
        execute = self._connection.execute
        execute(self._begin)
        try:
            return [(future, function(execute), None) for function, future in batch]
        except Exception:  # noqa: BLE001 - whichever it is, it comes again below, and goes to its caller
            if self._connection.in_transaction:
                execute("ROLLBACK")
            return None

    def _each_in_a_savepoint(self, batch: list[Item]) -> list[Answer]:
        execute = self._connection.execute
        answers: list[Answer] = []
        execute(self._begin)
        for function, future in batch:
            execute("SAVEPOINT one")
            try:
                answers.append((future, function(execute), None))
            except Exception as error:  # noqa: BLE001 - it is handed to whoever posted the function
                execute("ROLLBACK TO one")
                is_ours = isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError)
                answers.append((future, None, _failed(error) if is_ours else error))
            execute("RELEASE one")
        return answers

    @staticmethod
    def _answer(answers: list[Answer]) -> None:
        for future, result, error in answers:
            if future.done():  # its caller was cancelled; the write stands
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)


def _failed(error: Exception) -> ServerFailed:
    failed = ServerFailed(f"The server's database failed: {error}.", hint="Its administrator has to look.")
    failed.__cause__ = error
    return failed
