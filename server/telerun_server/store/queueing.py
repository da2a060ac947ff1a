"""SQLite: how jobs come in and are handed out. Each function runs inside one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from telerun_protocol.errors import InvalidMessage, MissingBlobs, TelerunError, TooManyRequests
from telerun_protocol.messages import Job
from telerun_protocol.states import State
from telerun_server.store.base import ClaimOrder, HeldJob, Leases, Submission
from telerun_server.store.changes import text_of
from telerun_server.store.database_thread import Execute
from telerun_server.store.reading import JOB_COLUMNS, blob_size, decode_needs, decode_spec, job_of

BUSY_HINT = "Wait until some of them have run, or cancel some."


LOOK = """SELECT (SELECT number FROM jobs WHERE owner = :owner AND idempotency_key = :key),
  (SELECT id FROM needs WHERE needs = :needs),
  (SELECT 1 FROM jobs INDEXED BY jobs_queued WHERE state = 'queued' AND owner = :owner LIMIT 1 OFFSET :allowed)"""

SUBMIT = """INSERT INTO jobs(id, owner, idempotency_key, state, needs, spec, name, notebook, tags,
    created_at, changed_at) VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?) RETURNING number"""


def submit(execute: Execute, orders: Iterable[Submission], now: float) -> list[Job | TelerunError]:
    answers: list[Job | TelerunError] = []
    for order in orders:
        try:
            answers.append(_submit(execute, order, now))
        except TelerunError as refused:  # and it has written nothing
            answers.append(refused)
    return answers


def _submit(execute: Execute, order: Submission, now: float) -> Job:
    needs, most = text_of(order.needs), order.queued_at_most
    asked = {"owner": order.owner, "key": order.idempotency_key, "needs": needs, "allowed": most - 1}
    present, needs_id, is_full = execute(LOOK, asked).fetchone()
    if present is not None:
        row = execute(f"SELECT {JOB_COLUMNS} FROM jobs j WHERE j.number = ?", (present,)).fetchone()  # noqa: S608
        return job_of(row)
    _check_blobs(execute, order)
    if is_full:
        raise TooManyRequests(f"You have {most} jobs waiting already.", hint=BUSY_HINT, retry_after_s=5.0)
    if needs_id is None:
        (needs_id,) = execute("INSERT INTO needs(needs) VALUES (?) RETURNING id", (needs,)).fetchone()
    spec = order.spec
    values = (order.id, order.owner, order.idempotency_key, needs_id, text_of(spec), spec.name, spec.notebook)
    (number,) = execute(SUBMIT, (*values, text_of(spec.tags), now, now)).fetchone()
    for sha256 in order.blobs:
        execute("INSERT INTO job_blobs(job, sha256) VALUES (?, ?)", (number, sha256))
    return Job(id=order.id, number=number, owner=order.owner, state=State.QUEUED, spec=spec, created_at=now)


def _check_blobs(execute: Execute, order: Submission) -> None:
    missing = []
    for sha256, size_bytes in order.blobs.items():
        found = blob_size(execute, sha256, order.owner, None)
        if found is None:
            missing.append(sha256)
        elif found != size_bytes:
            raise InvalidMessage(
                f"$.spec: the file {sha256} has {found} bytes, not {size_bytes}.", path="$.spec", items=(sha256,)
            )
    if missing:
        raise MissingBlobs(hint="Upload them first.", items=tuple(missing))


QUEUED_NEEDS = """WITH RECURSIVE queued(id) AS (
    SELECT min(needs) FROM jobs WHERE state = 'queued'
    UNION ALL
    SELECT (SELECT min(needs) FROM jobs WHERE state = 'queued' AND needs > queued.id)
      FROM queued WHERE queued.id IS NOT NULL
  )
  SELECT id, needs.needs FROM queued JOIN needs USING (id)"""

HELD_COLUMNS = """id, owner, claim_id, attempt, executor, instance, spec, created_at, claimed_at,
  ifnull((SELECT user_class FROM accounts WHERE name = owner AND role <> 'executor'), 'default')"""

# Jumps through the partial index from owner to owner, so that its cost grows with users and needs, not with jobs.
CLAIM = f"""UPDATE jobs SET state = 'claimed', claim_id = :claim_id, claim_request = :request_id,
    executor = :executor, instance = :instance, attempt = attempt + 1, claimed_at = :now, changed_at = :now,
    lease_until = :lease_until, started_at = NULL, phase = NULL, phases = '[]'
  WHERE state = 'queued' AND number = (
    WITH RECURSIVE waiting(owner) AS (
      SELECT min(owner) FROM jobs WHERE state = 'queued'
      UNION ALL
      SELECT (SELECT min(owner) FROM jobs WHERE state = 'queued' AND owner > waiting.owner)
        FROM waiting WHERE waiting.owner IS NOT NULL
    ),
    first(owner, number) AS MATERIALIZED (
      SELECT owner, (SELECT min(number) FROM jobs
          WHERE state = 'queued' AND owner = waiting.owner AND needs = one.value)
      FROM waiting, json_each(:needs) AS one WHERE owner IS NOT NULL
    )
    SELECT first.number FROM first LEFT JOIN served USING (owner) WHERE first.number IS NOT NULL
    ORDER BY served.turn NULLS FIRST, first.number LIMIT 1)
  RETURNING {HELD_COLUMNS}"""  # noqa: S608


def held_job(row: tuple[str, str, str, int, str, str, str, float, float, str]) -> HeldJob:
    job_id, owner, claim_id, attempt, executor, instance, spec, created_at, claimed_at, owner_class = row
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
        owner_class=owner_class,
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
            "needs": text_of(needs),
        }
        row = execute(CLAIM, values).fetchone()
        if row is None:
            break
        claimed.append(held_job(row))
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
