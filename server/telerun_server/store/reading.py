"""SQLite: rows to messages. Each function is one transaction on a read-only snapshot."""

from __future__ import annotations

from typing import Any

import msgspec

from telerun_protocol.messages import Event, Job, JobSpec, PhaseTime, Result
from telerun_protocol.states import Phase, Reason, State
from telerun_server.needs import Needs
from telerun_server.store.base import JobFilter
from telerun_server.store.database_thread import Execute

Row = tuple[Any, ...]

decode_spec = msgspec.json.Decoder(JobSpec).decode
decode_needs = msgspec.json.Decoder(Needs).decode
_decode_result = msgspec.json.Decoder(Result).decode
_decode_phases = msgspec.json.Decoder(tuple[PhaseTime, ...]).decode

JOB_COLUMNS = """j.id, j.number, j.owner, j.spec, j.created_at, j.result, j.state, j.phase, j.reason, j.claimed_at,
  j.started_at, j.finished_at, j.phases, j.attempt, j.executor, j.cancel_requested"""

# The same columns, those that change taken from the event.
EVENT_COLUMNS = """j.id, j.number, j.owner, j.spec, j.created_at,
  CASE WHEN e.finished_at IS NOT NULL THEN j.result END, e.state, e.phase, e.reason, e.claimed_at,
  e.started_at, e.finished_at, e.phases, e.attempt, e.executor, e.cancel_requested"""


def job_of(row: Row, queue_position: int | None = None) -> Job:
    phases = row[12]
    return Job(
        id=row[0],
        number=row[1],
        owner=row[2],
        spec=decode_spec(row[3]),
        created_at=row[4],
        result=_decode_result(row[5]) if row[5] else None,
        state=State(row[6]),
        phase=Phase(row[7]) if row[7] else None,
        reason=Reason(row[8]) if row[8] else None,
        claimed_at=row[9],
        started_at=row[10],
        finished_at=row[11],
        phases=_decode_phases(phases) if phases != "[]" else (),
        attempt=row[13],
        executor=row[14],
        cancel_requested=bool(row[15]),
        queue_position=queue_position,
    )


def job(execute: Execute, ref: str) -> Job | None:
    column, value = ("number", int(ref)) if ref.isdigit() and len(ref) < 19 else ("id", ref)
    row = execute(f"SELECT {JOB_COLUMNS} FROM jobs j WHERE j.{column} = ?", (value,)).fetchone()  # noqa: S608
    return _with_positions(execute, [row])[0] if row else None


def jobs(execute: Execute, wanted: JobFilter) -> list[Job]:
    conditions, values = ["1"], list[Any]()

    def where(condition: str, *more: Any) -> None:
        conditions.append(condition)
        values.extend(more)

    if wanted.owner is not None:
        where("j.owner = ?", wanted.owner)
    if wanted.states:
        where(f"j.state IN ({','.join('?' * len(wanted.states))})", *wanted.states)
    if wanted.notebook is not None:
        where("j.notebook = ?", wanted.notebook)
    if wanted.name is not None:
        where("j.name = ?", wanted.name)
    if wanted.tag is not None:
        where("EXISTS (SELECT 1 FROM json_each(j.tags) WHERE value = ?)", wanted.tag)
    if wanted.before is not None:
        where("j.number < ?", wanted.before)
    rows = execute(
        f"SELECT {JOB_COLUMNS} FROM jobs j WHERE {' AND '.join(conditions)} ORDER BY j.number DESC LIMIT ?",  # noqa: S608
        (*values, wanted.limit),
    ).fetchall()
    return _with_positions(execute, rows)


def _with_positions(execute: Execute, rows: list[Row]) -> list[Job]:
    queued: dict[str, list[int]] = {}
    for row in rows:
        if row[6] == State.QUEUED:
            queued.setdefault(row[2], []).append(row[1])
    positions = _positions(execute, queued) if queued else {}
    return [job_of(row, positions.get(row[1])) for row in rows]


def _positions(execute: Execute, wanted: dict[str, list[int]]) -> dict[int, int]:
    """Where jobs stand if everything is served in turn: before an owner's k-th job, each owner who is served before
    them has had k jobs, each other owner k-1, or all they have.
    """
    owners = execute(
        "SELECT j.owner, count(*) FROM jobs j LEFT JOIN served s ON s.owner = j.owner WHERE j.state = 'queued' "
        "GROUP BY j.owner ORDER BY s.turn NULLS FIRST, min(j.number)"
    ).fetchall()
    found: dict[int, int] = {}
    for place, (owner, _) in enumerate(owners):
        if owner not in wanted:
            continue
        numbers = execute(
            "SELECT number FROM jobs INDEXED BY jobs_queued WHERE state = 'queued' AND owner = ? ORDER BY number",
            (owner,),
        )
        turns = {number: k for k, (number,) in enumerate(numbers, 1)}
        for number in wanted[owner]:
            k = turns[number]
            before = sum(min(count, k) for _, count in owners[:place])
            after = sum(min(count, k - 1) for _, count in owners[place + 1 :])
            found[number] = k + before + after
    return found


def events(execute: Execute, owner: str, after: int, limit: int) -> list[Event]:
    rows = execute(
        f"SELECT {EVENT_COLUMNS}, e.id, e.at, e.kind FROM events e JOIN jobs j ON j.number = e.job "  # noqa: S608
        "WHERE e.owner = ? AND e.id > ? ORDER BY e.id LIMIT ?",
        (owner, after, limit),
    )
    return [Event(id=row[16], at=row[17], kind=row[18], job=job_of(row)) for row in rows]


def last_event_id(execute: Execute) -> int:
    row = execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return int(row[0]) if row else 0


def held_by(execute: Execute, instances: tuple[str, ...]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {instance: [] for instance in instances}
    for instance in instances:
        rows = execute("SELECT id, owner FROM jobs WHERE claim_id IS NOT NULL AND instance = ?", (instance,))
        found[instance] = list(rows)
    return found


def has_unfinished(execute: Execute) -> bool:
    queued = "SELECT 1 FROM jobs INDEXED BY jobs_queued WHERE state = 'queued'"
    held = "SELECT 1 FROM jobs INDEXED BY jobs_claim WHERE claim_id IS NOT NULL"
    return bool(execute(f"SELECT EXISTS ({queued}) OR EXISTS ({held})").fetchone()[0])


def queued(execute: Execute) -> int:
    return int(execute("SELECT count(*) FROM jobs INDEXED BY jobs_queued WHERE state = 'queued'").fetchone()[0])


def counts(execute: Execute) -> dict[State, int]:
    present = dict(execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
    return {state: present.get(state, 0) for state in State}


def blob_size(execute: Execute, sha256: str, owner: str | None, job_id: str | None) -> int | None:
    """The size of a blob that the owner uploaded, or that was given to or left by a job of theirs or this job."""
    row = execute(
        """SELECT size_bytes FROM blobs b WHERE sha256 = :sha256 AND (
             EXISTS (SELECT 1 FROM blob_owners o WHERE o.sha256 = b.sha256 AND o.owner = :owner)
             OR EXISTS (SELECT 1 FROM job_blobs x JOIN jobs j ON j.number = x.job
                        WHERE x.sha256 = b.sha256 AND (j.owner = :owner OR j.id = :job_id)))""",
        {"sha256": sha256, "owner": owner, "job_id": job_id},
    ).fetchone()
    return int(row[0]) if row else None
