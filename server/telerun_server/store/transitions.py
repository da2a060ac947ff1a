"""SQLite: the changes of a job. Each function runs inside one transaction; each change is one guarded UPDATE."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import msgspec

from telerun_protocol.codec import encode
from telerun_protocol.errors import InvalidMessage, MissingBlobs, StaleClaim, TooManyRequests
from telerun_protocol.messages import Job, Result
from telerun_protocol.states import Phase, Reason, State
from telerun_server.store.base import Change, ClaimOrder, HeldJob, Leases, Submission
from telerun_server.store.database_thread import Execute
from telerun_server.store.reading import JOB_COLUMNS, decode_needs, decode_spec, job_of

BUSY_HINT = "Wait until some of them have run, or cancel some."


def _text(value: object) -> str:
    return encode(value).decode()


# Kept beside the row of an event: what changes of a job, as it is now.
EVENT = """INSERT INTO events(job, owner, at, kind, state, phase, reason, claimed_at, started_at, finished_at, phases,
    attempt, executor, cancel_requested)
  SELECT number, owner, ?, ?, state, phase, reason, claimed_at, started_at, finished_at, phases, attempt, executor,
    cancel_requested FROM jobs WHERE id = ?"""


def _change(
    execute: Execute, kind: str, now: float, row: tuple[str, str, str, int], held: tuple[str, str] | None = None
) -> Change:
    """Writes the event of a transition whose UPDATE returned id, owner, state, needs."""
    job_id, owner, state, needs_id = row
    execute(EVENT, (now, kind, job_id))
    needs = execute("SELECT needs FROM needs WHERE id = ?", (needs_id,)).fetchone()[0]
    instance, claim_id = held or (None, None)
    return Change(
        job_id=job_id, owner=owner, state=State(state), needs=decode_needs(needs), instance=instance, claim_id=claim_id
    )


# ----------------------------------------------------------------------------------------------------------- submit

SUBMIT = """INSERT INTO jobs(id, owner, idempotency_key, state, needs, spec, name, notebook, tags, created_at)
  VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?) RETURNING number"""


def submit(execute: Execute, order: Submission, now: float) -> tuple[Job, Change | None]:
    present = execute(
        f"SELECT {JOB_COLUMNS} FROM jobs j WHERE j.owner = ? AND j.idempotency_key = ?",  # noqa: S608
        (order.owner, order.idempotency_key),
    ).fetchone()
    if present:
        return job_of(present), None
    _check_blobs(execute, order)
    full = execute(
        "SELECT 1 FROM jobs INDEXED BY jobs_queued WHERE state = 'queued' AND owner = ? LIMIT 1 OFFSET ?",
        (order.owner, order.queued_at_most - 1),
    ).fetchone()
    if full:
        raise TooManyRequests(
            f"You have {order.queued_at_most} jobs waiting already.", hint=BUSY_HINT, retry_after_s=5.0
        )
    spec = order.spec
    needs_id = _needs_id(execute, _text(order.needs))
    values = (order.id, order.owner, order.idempotency_key, needs_id, _text(spec))
    (number,) = execute(SUBMIT, (*values, spec.name, spec.notebook, _text(spec.tags), now)).fetchone()
    for sha256 in order.blobs:
        execute("INSERT INTO job_blobs(job, sha256) VALUES (?, ?)", (number, sha256))
    execute(EVENT, (now, "queued", order.id))
    job = Job(id=order.id, number=number, owner=order.owner, state=State.QUEUED, spec=spec, created_at=now)
    return job, Change(job_id=order.id, owner=order.owner, state=State.QUEUED, needs=order.needs)


def _check_blobs(execute: Execute, order: Submission) -> None:
    missing = []
    for sha256, size_bytes in order.blobs.items():
        row = execute(
            "SELECT b.size_bytes FROM blobs b JOIN blob_owners o USING (sha256) WHERE b.sha256 = ? AND o.owner = ?",
            (sha256, order.owner),
        ).fetchone()
        if row is None:
            missing.append(sha256)
        elif row[0] != size_bytes:
            raise InvalidMessage(
                f"$.spec: the file {sha256} has {row[0]} bytes, not {size_bytes}.", path="$.spec", items=(sha256,)
            )
    if missing:
        raise MissingBlobs(hint="Upload them first.", items=tuple(missing))


def _needs_id(execute: Execute, needs: str) -> int:
    row = execute("SELECT id FROM needs WHERE needs = ?", (needs,)).fetchone()
    row = row or execute("INSERT INTO needs(needs) VALUES (?) RETURNING id", (needs,)).fetchone()
    return int(row[0])


# ------------------------------------------------------------------------------------------------------------ claim

QUEUED_NEEDS = """WITH RECURSIVE queued(id) AS (
    SELECT min(needs) FROM jobs WHERE state = 'queued'
    UNION ALL
    SELECT (SELECT min(needs) FROM jobs WHERE state = 'queued' AND needs > queued.id)
      FROM queued WHERE queued.id IS NOT NULL
  )
  SELECT id, needs.needs FROM queued JOIN needs USING (id)"""

# Jumps through the partial index from owner to owner, so that its cost grows with users and needs, not with jobs.
CLAIM = """UPDATE jobs SET state = 'claimed', claim_id = :claim_id, claim_request = :request_id,
    executor = :executor, instance = :instance, attempt = attempt + 1, claimed_at = :now, lease_until = :lease_until,
    started_at = NULL, phase = NULL, phases = '[]'
  WHERE state = 'queued' AND number = (
    WITH RECURSIVE waiting(owner) AS (
      SELECT min(owner) FROM jobs WHERE state = 'queued'
      UNION ALL
      SELECT (SELECT min(owner) FROM jobs WHERE state = 'queued' AND owner > waiting.owner)
        FROM waiting WHERE waiting.owner IS NOT NULL
    ),
    first(owner, number) AS MATERIALIZED (
      SELECT owner, (SELECT min(number) FROM jobs WHERE state = 'queued' AND owner = waiting.owner AND needs = one.value)
      FROM waiting, json_each(:needs) AS one WHERE owner IS NOT NULL
    )
    SELECT first.number FROM first LEFT JOIN served USING (owner) WHERE first.number IS NOT NULL
    ORDER BY served.turn NULLS FIRST, first.number LIMIT 1)
  RETURNING id, owner, claim_id, attempt, executor, instance, spec, created_at, claimed_at"""

SERVED = """INSERT INTO served(owner, turn) SELECT ?, coalesce(max(turn), 0) + 1 FROM served WHERE true
  ON CONFLICT (owner) DO UPDATE SET turn = excluded.turn"""

HELD_COLUMNS = "id, owner, claim_id, attempt, executor, instance, spec, created_at, claimed_at"


def held_job(row: tuple[str, str, str, int, str, str, str, float, float]) -> HeldJob:
    job_id, owner, claim_id, attempt, executor, instance, spec, created_at, claimed_at = row
    return HeldJob(
        job_id=job_id,
        owner=owner,
        claim_id=claim_id,
        attempt=attempt,
        executor=executor,
        instance=instance,
        spec=decode_spec(spec),
        created_at=created_at,
        claimed_at=claimed_at,
    )


def claim(execute: Execute, order: ClaimOrder, now: float) -> list[HeldJob]:
    again = execute(
        f"SELECT {HELD_COLUMNS} FROM jobs WHERE claim_id IS NOT NULL AND instance = ? AND claim_request = ?",  # noqa: S608
        (order.instance, order.request_id),
    ).fetchall()
    if again:
        return [held_job(row) for row in again]
    needs = [needs_id for needs_id, text in execute(QUEUED_NEEDS) if order.may_claim(decode_needs(text))]
    claimed: list[HeldJob] = []
    while needs and len(claimed) < order.max_jobs:
        values = {
            "claim_id": secrets.token_hex(16),
            "request_id": order.request_id,
            "executor": order.executor,
            "instance": order.instance,
            "now": now,
            "lease_until": now + order.lease_s,
            "needs": _text(needs),
        }
        row = execute(CLAIM, values).fetchone()
        if row is None:
            break
        claimed.append(held_job(row))
        execute(SERVED, (row[1],))
        execute(EVENT, (now, "claimed", row[0]))
    return claimed


def extend(execute: Execute, instance: str, claim_ids: tuple[str, ...], lease_s: float, now: float) -> Leases:
    execute("UPDATE executors SET last_seen_at = ? WHERE instance = ?", (now, instance))
    cancel, lost = [], []
    for claim_id in claim_ids:
        row = execute(
            "UPDATE jobs SET lease_until = ? WHERE claim_id = ? AND instance = ? RETURNING cancel_requested",
            (now + lease_s, claim_id, instance),
        ).fetchone()
        if row is None:
            lost.append(claim_id)
        elif row[0]:
            cancel.append(claim_id)
    return Leases(cancel=tuple(cancel), lost=tuple(lost))


def extend_all(execute: Execute, until: float) -> list[HeldJob]:
    rows = execute(
        f"UPDATE jobs SET lease_until = max(lease_until, ?) WHERE claim_id IS NOT NULL RETURNING {HELD_COLUMNS}",  # noqa: S608
        (until,),
    ).fetchall()
    return [held_job(row) for row in rows]


PHASE = """UPDATE jobs SET phase = :phase, phases = json_insert(phases, '$[#]', json_object('phase', :phase,
      'started_at', :now)), state = CASE WHEN :phase = 'run' THEN 'running' ELSE state END,
    started_at = CASE WHEN :phase = 'run' THEN :now ELSE started_at END
  WHERE id = :job_id AND claim_id = :claim_id AND phase IS NOT :phase RETURNING id, owner, state, needs"""


def report_phase(execute: Execute, job_id: str, claim_id: str, phase: Phase, now: float) -> Change | None:
    row = execute(PHASE, {"phase": phase, "now": now, "job_id": job_id, "claim_id": claim_id}).fetchone()
    if row:
        return _change(execute, "phase", now, row)
    if not execute("SELECT 1 FROM jobs WHERE id = ? AND claim_id = ?", (job_id, claim_id)).fetchone():
        raise StaleClaim
    return None


# ------------------------------------------------------------------------------------------------------------ ending

END = """UPDATE jobs SET state = :state, reason = :reason, result = :result, finished_at = :now, phase = NULL,
    claim_id = NULL, claim_request = NULL, instance = NULL, lease_until = NULL, ended_claim_id = :ended
  WHERE id = :job_id AND claim_id = :claim_id AND (NOT cancel_requested OR :cancelled)
  RETURNING id, owner, state, needs"""

REQUEUE = """UPDATE jobs SET state = 'queued', attempt = attempt - :uncounted, executor = NULL, claimed_at = NULL,
    started_at = NULL, phase = NULL, phases = '[]', claim_id = NULL, claim_request = NULL, instance = NULL,
    lease_until = NULL, ended_claim_id = :ended
  WHERE id = :job_id AND claim_id = :claim_id AND NOT cancel_requested AND attempt < :max_attempts
  RETURNING id, owner, state, needs"""

Held = tuple[str, str]  # instance, claim id


def _end(
    execute: Execute, job_id: str, held: Held, result: Result, now: float, *, cancelled: bool, by_executor: bool
) -> Change | None:
    """Ends a held job; not one whose cancelling was asked, unless `cancelled` says that this is the answer to it."""
    values = {
        "state": result.state,
        "reason": result.reason,
        "result": _text(result),
        "now": now,
        "ended": held[1] if by_executor else None,
        "job_id": job_id,
        "claim_id": held[1],
        "cancelled": cancelled,
    }
    row = execute(END, values).fetchone()
    return _change(execute, result.state.value, now, row, held) if row else None


def _requeue(
    execute: Execute, job_id: str, held: Held, max_attempts: int, now: float, *, uncounted: bool, by_executor: bool
) -> Change | None:
    """Queues a held job again, unless its attempts are used up or its cancelling was asked."""
    values = {
        "uncounted": uncounted,
        "ended": held[1] if by_executor else None,
        "job_id": job_id,
        "claim_id": held[1],
        "max_attempts": max_attempts,
    }
    row = execute(REQUEUE, values).fetchone()
    return _change(execute, "requeued", now, row, held) if row else None


CANCEL_QUEUED = """UPDATE jobs SET state = 'cancelled', reason = 'cancelled', cancel_requested = 1, result = ?,
    finished_at = ? WHERE id = ? AND state = 'queued' RETURNING id, owner, state, needs"""
CANCEL_HELD = """UPDATE jobs SET cancel_requested = 1 WHERE id = ? AND claim_id IS NOT NULL AND NOT cancel_requested
  RETURNING id, owner, state, needs, instance, claim_id"""


def cancel(execute: Execute, job_id: str, result: Result, now: float) -> Change | None:
    if row := execute(CANCEL_QUEUED, (_text(result), now, job_id)).fetchone():
        return _change(execute, "cancelled", now, row)
    if row := execute(CANCEL_HELD, (job_id,)).fetchone():
        return _change(execute, "cancel_requested", now, row[:4], row[4:])
    return None


def _held(execute: Execute, job_id: str, claim_id: str) -> Held | None:
    """Who holds the job under this claim. None: this claim has ended already. Raises StaleClaim."""
    row = execute(
        "SELECT instance, claim_id, ended_claim_id FROM jobs WHERE id = ? AND ? IN (claim_id, ended_claim_id)",
        (job_id, claim_id),
    ).fetchone()
    if row is None:
        raise StaleClaim
    return (row[0], claim_id) if row[1] == claim_id else None


def finish(
    execute: Execute,
    job_id: str,
    claim_id: str,
    result: Result,
    when_cancelled: Result,
    max_attempts: int,
    now: float,
) -> Change | None:
    held = _held(execute, job_id, claim_id)
    if held is None:
        return None
    _check_artifacts(execute, job_id, result)
    change = None
    if result.reason is not None and result.reason.is_ours:
        change = _requeue(execute, job_id, held, max_attempts, now, uncounted=False, by_executor=True)
    return (
        change
        or _end(execute, job_id, held, result, now, cancelled=result.state is State.SUCCEEDED, by_executor=True)
        or _end(execute, job_id, held, when_cancelled, now, cancelled=True, by_executor=True)
    )


def _check_artifacts(execute: Execute, job_id: str, result: Result) -> None:
    missing = []
    for artifact in result.artifacts:
        row = execute(
            "SELECT 1 FROM job_blobs WHERE sha256 = ? AND job = (SELECT number FROM jobs WHERE id = ?)",
            (artifact.sha256, job_id),
        ).fetchone()
        if row is None:
            missing.append(artifact.sha256)
    if missing:
        raise MissingBlobs("The result names files that were not uploaded for this job.", items=tuple(missing))


def release(execute: Execute, job_id: str, claim_id: str, when_cancelled: Result, now: float) -> Change | None:
    held = _held(execute, job_id, claim_id)
    if held is None:
        return None
    anything = 1 << 62
    return _requeue(execute, job_id, held, anything, now, uncounted=True, by_executor=True) or _end(
        execute, job_id, held, when_cancelled, now, cancelled=True, by_executor=True
    )


EXPIRED = "SELECT id, instance, claim_id, executor, attempt FROM jobs WHERE claim_id IS NOT NULL AND lease_until < ?"
OF_INSTANCE = "SELECT id, instance, claim_id, executor, attempt FROM jobs WHERE claim_id IS NOT NULL AND instance = ?"


def lose_expired(execute: Execute, max_attempts: int, now: float) -> list[Change]:
    return list(_lose(execute, execute(EXPIRED, (now,)).fetchall(), max_attempts, now))


def lose_instance(execute: Execute, instance: str, max_attempts: int, now: float) -> list[Change]:
    return list(_lose(execute, execute(OF_INSTANCE, (instance,)).fetchall(), max_attempts, now))


def _lose(
    execute: Execute, rows: list[tuple[str, str, str, str, int]], max_attempts: int, now: float
) -> Iterator[Change]:
    for job_id, instance, claim_id, executor, attempt in rows:
        held = (instance, claim_id)
        lost = Result(
            state=State.FAILED,
            reason=Reason.EXECUTOR_LOST,
            message=f"The executor {executor} was lost while it ran this job, in attempt {attempt} of {max_attempts}.",
            hint="This is not your program's fault, unless it ends its machine. Submit it again, or ask who runs it.",
            executor=executor,
        )
        cancelled = msgspec.structs.replace(
            lost, state=State.CANCELLED, reason=Reason.CANCELLED, message="Cancelled.", hint=""
        )
        change = (
            _requeue(execute, job_id, held, max_attempts, now, uncounted=False, by_executor=False)
            or _end(execute, job_id, held, lost, now, cancelled=False, by_executor=False)
            or _end(execute, job_id, held, cancelled, now, cancelled=True, by_executor=False)
        )
        if change:
            yield change
