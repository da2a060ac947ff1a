"""What only the SQLite store promises: impossible rows are refused, a batch's callers do not hurt each other."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from telerun_protocol.errors import ServerFailed
from telerun_server.store.database_thread import DatabaseThread, Execute, connect
from telerun_server.store.migrate import migrate

INSERT = """INSERT INTO jobs(id, owner, idempotency_key, state, needs, spec, tags, created_at, changed_at)
  VALUES ('jaaaaaaaaaaa', 'ada', 'key', 'queued', 1, '{}', '[]', 1.0, 1.0)"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    migrate(tmp_path / "store.sqlite3")
    migrate(tmp_path / "store.sqlite3")  # nothing is left to do
    return tmp_path / "store.sqlite3"


@pytest.mark.parametrize(
    "change",
    [
        "state = 'asleep'",
        "state = 'claimed'",
        "state = 'running'",
        "state = 'succeeded'",
        "state = 'failed', finished_at = 1, result = '{}'",
        "claim_id = 'x'",
        "lease_until = 1",
        "phase = 'run'",
        "executor = 'box'",
        "finished_at = 1",
        "result = '{}'",
        "reason = 'signal'",
        "attempt = -1",
        "cancel_requested = 2",
        "id = '123'",
        "needs = 99",
    ],
)
def test_impossible_rows_are_refused(path: Path, change: str) -> None:
    connection = connect(path)
    connection.execute("INSERT INTO needs(id, needs) VALUES (1, '{}')")
    connection.execute(INSERT)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(f"UPDATE jobs SET {change}")
    connection.close()


def add(execute: Execute, name: str) -> str:
    execute("INSERT INTO served(owner, turn) VALUES (?, (SELECT coalesce(max(turn), 0) + 1 FROM served))", (name,))
    return name


def add_and_fail(execute: Execute, name: str) -> None:
    add(execute, name)
    raise LookupError(name)


async def test_an_error_undoes_only_its_own_function(path: Path) -> None:
    database = DatabaseThread(path)
    cancelled = database(add, "cancelled caller")
    results = asyncio.gather(
        database(add, "a"), database(add_and_fail, "b"), database(add, "a"), database(add, "c"), return_exceptions=True
    )
    cancelled.cancel()
    first, failed, duplicate, last = await results
    assert (first, last) == ("a", "c")
    assert isinstance(failed, LookupError)
    assert isinstance(duplicate, sqlite3.IntegrityError)
    rows = await database(lambda execute: execute("SELECT owner FROM served ORDER BY turn").fetchall())
    assert [row[0] for row in rows] == ["cancelled caller", "a", "c"]
    await database.close()


async def test_what_was_asked_before_close_is_done(path: Path) -> None:
    database = DatabaseThread(path)
    waiting = [database(add, f"n{number}") for number in range(500)]
    await database.close()
    assert len(await asyncio.gather(*waiting)) == 500


async def test_what_comes_during_a_transaction_is_answered_though_nothing_follows(path: Path) -> None:
    """A wait for company that CPython 3.11 ends only with the next item was seen once in tens of thousands of these."""
    database = DatabaseThread(path)

    def hold(_: Execute) -> None:
        begun.set()
        posted.wait()

    async with asyncio.timeout(60):
        for _ in range(1000):
            begun, posted = threading.Event(), threading.Event()
            first = database(hold)
            begun.wait()
            second = database(lambda execute: 2)
            posted.set()
            assert await asyncio.gather(first, second) == [None, 2]
    await database.close()


async def test_a_reader_cannot_write(path: Path) -> None:
    database = DatabaseThread(path, read_only=True)
    with pytest.raises(ServerFailed, match="readonly"):
        await database(add, "x")
    await database.close()
