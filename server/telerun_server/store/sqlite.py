"""The embedded store: SQLite on one writing thread with group commit, and one reading thread for lists."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from telerun_protocol.codec import encode
from telerun_protocol.errors import Conflict, NotFound, ServerFailed, TelerunError
from telerun_protocol.messages import Event, ExecutorInfo, Job, Result
from telerun_protocol.states import State
from telerun_server.store import ending, queueing, reading, reporting
from telerun_server.store.base import (
    Account,
    Change,
    ClaimOrder,
    ExecutorRow,
    HeldJob,
    JobFilter,
    Leases,
    Store,
    Submission,
    Told,
)
from telerun_server.store.database_thread import DatabaseThread, Execute
from telerun_server.store.migrate import migrate

_decode_info = msgspec.json.Decoder(ExecutorInfo).decode


class SqliteStore(Store):
    """Open it with `await SqliteStore.open(path)`."""

    def __init__(self, write: DatabaseThread, read: DatabaseThread) -> None:
        self._write = write
        self._read = read  # apart, so that a long list does not stand in front of a claim

    @classmethod
    async def open(cls, path: Path) -> SqliteStore:
        try:
            await asyncio.to_thread(migrate, path)
            return cls(DatabaseThread(path), DatabaseThread(path, read_only=True))
        except sqlite3.DatabaseError as error:
            hint = "Restore it from a backup, or use another --data."
            if isinstance(error, sqlite3.OperationalError):  # not the file's own fault
                hint = "See that its disk has room and can be written, or use another --data."
            raise ServerFailed(f"The database {path} cannot be used: {error}.", hint=hint) from error

    async def close(self) -> None:
        await self._read.close()
        await self._write.close()

    # --------------------------------------------------------------------------------------------------- accounts

    async def add_account(self, account: Account, token_sha256: str) -> None:
        await self._write(_add_account, account, token_sha256)

    async def rotate_token(self, name: str, *, executor: bool, token_sha256: str) -> None:
        sql = "UPDATE accounts SET token_sha256 = ? WHERE name = ? AND (role = 'executor') = ? RETURNING 1"
        await self._write(_one_account, sql, (token_sha256, name, executor))

    async def remove_account(self, name: str, *, executor: bool) -> None:
        await self._write(_remove_account, name, executor)

    async def set_class(self, name: str, user_class: str) -> None:
        sql = "UPDATE accounts SET user_class = ? WHERE name = ? AND role <> 'executor' RETURNING 1"
        await self._write(_one_account, sql, (user_class, name))

    async def accounts(self) -> list[Account]:
        return await self._read(_accounts)

    async def account_of(self, token_sha256: str) -> Account | None:
        return await self._read(_account_of, token_sha256)

    # ------------------------------------------------------------------------------------------------------- jobs

    async def submit(self, submissions: Sequence[Submission], now: float) -> list[Job | TelerunError]:
        return await self._write(queueing.submit, tuple(submissions), now)

    async def job(self, ref: str) -> Job | None:
        return await self._read(reading.job, ref)

    async def jobs(self, wanted: JobFilter) -> list[Job]:
        return await self._read(reading.jobs, wanted)

    async def cancel(self, job_id: str, result: Result, now: float) -> Change | None:
        return await self._write(ending.cancel, job_id, result, now)

    async def claim(self, order: ClaimOrder, now: float) -> list[HeldJob]:
        return await self._write(queueing.claim, order, now)

    async def extend(self, instance: str, claim_ids: Sequence[str], lease_s: float, now: float) -> Leases:
        return await self._write(queueing.extend, instance, tuple(claim_ids), lease_s, now)

    async def report(self, told: Sequence[Told], max_attempts: int, now: float) -> list[Change | TelerunError | None]:
        return await self._write(reporting.report, tuple(told), max_attempts, now)

    async def lose_expired(self, max_attempts: int, now: float) -> list[Change]:
        return await self._write(ending.lose_expired, max_attempts, now)

    async def extend_all(self, until: float) -> list[HeldJob]:
        return await self._write(queueing.extend_all, until)

    # -------------------------------------------------------------------------------------------------- executors

    async def register(self, name: str, info: ExecutorInfo, max_attempts: int, now: float) -> list[Change]:
        return await self._write(_register, name, info, max_attempts, now)

    async def executors(self) -> list[ExecutorRow]:
        return await self._read(_executors)

    async def held_by(self, instances: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        return await self._read(reading.held_by, tuple(instances))

    # ---------------------------------------------------------------------------------------------- events, blobs

    async def events(self, owner: str, after: int, limit: int) -> list[Event]:
        return await self._read(reading.events, owner, after, limit)

    async def last_event_id(self) -> int:
        return await self._read(reading.last_event_id)

    async def add_blob(
        self, sha256: str, size_bytes: int, *, owner: str | None, job_id: str | None, now: float
    ) -> None:
        await self._write(_add_blob, sha256, size_bytes, owner, job_id, now)

    async def blob_size(self, sha256: str, *, owner: str | None, job_id: str | None) -> int | None:
        return await self._read(reading.blob_size, sha256, owner, job_id)

    # ----------------------------------------------------------------------------------------------- housekeeping

    async def purge_jobs(self, finished_before: float, limit: int) -> list[str]:
        return await self._write(_purge_jobs, finished_before, limit)

    async def purge_blobs(self, uploaded_before: float, limit: int) -> list[str]:
        return await self._write(_purge_blobs, uploaded_before, limit)

    async def purge_rest(self, *, events_before: float, seen_before: float) -> None:
        await self._write(_purge_rest, events_before, seen_before)

    async def has_unfinished(self) -> bool:
        return await self._read(reading.has_unfinished)

    async def queued(self) -> int:
        return await self._read(reading.queued)

    async def counts(self) -> dict[State, int]:
        return await self._read(reading.counts)


ACCOUNT = "name, role, created_at, user_class"


def _add_account(execute: Execute, account: Account, token_sha256: str) -> None:
    try:
        execute(
            "INSERT INTO accounts(name, role, token_sha256, created_at, user_class) VALUES (?, ?, ?, ?, ?)",
            (account.name, account.role, token_sha256, account.created_at, account.user_class),
        )
    except sqlite3.IntegrityError:
        raise Conflict(
            f"There is an account called {account.name} already.", hint="Rotate its token, or choose another name."
        ) from None


def _one_account(execute: Execute, sql: str, values: tuple[object, ...]) -> None:
    if not execute(sql, values).fetchone():
        raise NotFound("There is no account of this name.")


def _remove_account(execute: Execute, name: str, executor: bool) -> None:
    sql = "DELETE FROM accounts WHERE name = ? AND (role = 'executor') = ? RETURNING 1"
    _one_account(execute, sql, (name, executor))
    if executor:
        execute("DELETE FROM executors WHERE name = ?", (name,))


def _accounts(execute: Execute) -> list[Account]:
    return [_account(row) for row in execute(f"SELECT {ACCOUNT} FROM accounts ORDER BY name")]  # noqa: S608


def _account_of(execute: Execute, token_sha256: str) -> Account | None:
    row = execute(f"SELECT {ACCOUNT} FROM accounts WHERE token_sha256 = ?", (token_sha256,)).fetchone()  # noqa: S608
    return _account(row) if row else None


def _account(row: tuple[str, str, float, str]) -> Account:
    name, role, created_at, user_class = row
    return Account(name=name, role=role, created_at=created_at, user_class=user_class)


def _register(execute: Execute, name: str, info: ExecutorInfo, max_attempts: int, now: float) -> list[Change]:
    changes: list[Change] = []
    if (
        info.replaces
        and execute(
            "DELETE FROM executors WHERE instance = ? AND name = ? RETURNING 1", (info.replaces, name)
        ).fetchone()
    ):
        changes = ending.lose_instance(execute, info.replaces, max_attempts, now)
    taken = execute(
        "INSERT INTO executors(instance, name, info, last_seen_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (instance) DO UPDATE SET info = excluded.info, last_seen_at = excluded.last_seen_at "
        "WHERE name = excluded.name RETURNING 1",
        (info.instance, name, encode(info).decode(), now),
    ).fetchone()
    if not taken:
        raise Conflict("This instance belongs to another executor account.", hint="Draw a new random instance id.")
    return changes


def _executors(execute: Execute) -> list[ExecutorRow]:
    rows = execute("SELECT name, info, last_seen_at FROM executors ORDER BY name, instance")
    return [ExecutorRow(name=name, info=_decode_info(info), last_seen_at=seen) for name, info, seen in rows]


def _add_blob(
    execute: Execute, sha256: str, size_bytes: int, owner: str | None, job_id: str | None, now: float
) -> None:
    execute(
        "INSERT INTO blobs(sha256, size_bytes, uploaded_at) VALUES (?, ?, ?) "
        "ON CONFLICT (sha256) DO UPDATE SET uploaded_at = excluded.uploaded_at",
        (sha256, size_bytes, now),
    )
    if owner is not None:
        execute("INSERT OR IGNORE INTO blob_owners(sha256, owner) VALUES (?, ?)", (sha256, owner))
    if job_id is not None:
        execute(
            "INSERT OR IGNORE INTO job_blobs(job, sha256) SELECT number, ? FROM jobs WHERE id = ?", (sha256, job_id)
        )


def _purge_jobs(execute: Execute, finished_before: float, limit: int) -> list[str]:
    rows = execute(
        "DELETE FROM jobs WHERE number IN (SELECT number FROM jobs WHERE finished_at < ? LIMIT ?) RETURNING id",
        (finished_before, limit),
    ).fetchall()
    return [row[0] for row in rows]


def _purge_blobs(execute: Execute, uploaded_before: float, limit: int) -> list[str]:
    rows = execute(
        "DELETE FROM blobs WHERE sha256 IN (SELECT sha256 FROM blobs b WHERE uploaded_at < ? AND NOT EXISTS "
        "(SELECT 1 FROM job_blobs x WHERE x.sha256 = b.sha256) LIMIT ?) RETURNING sha256",
        (uploaded_before, limit),
    ).fetchall()
    return [row[0] for row in rows]


def _purge_rest(execute: Execute, events_before: float, seen_before: float) -> None:
    kept = execute("SELECT id FROM events WHERE at >= ? ORDER BY id LIMIT 1", (events_before,)).fetchone()
    execute("DELETE FROM events WHERE id < ?", (kept[0] if kept else 1 << 62,))  # ids grow with time
    execute(
        "DELETE FROM executors WHERE last_seen_at < ? AND NOT EXISTS "
        "(SELECT 1 FROM jobs WHERE claim_id IS NOT NULL AND instance = executors.instance)",
        (seen_before,),
    )
