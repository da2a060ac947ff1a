"""SQLite: what executors tell of the jobs they hold. Many reports are one transaction, each change is one UPDATE."""

from __future__ import annotations

from collections.abc import Iterable

from telerun_protocol.errors import MissingBlobs, StaleClaim, TelerunError
from telerun_protocol.messages import Result
from telerun_protocol.states import State
from telerun_server.store.base import Change, Told
from telerun_server.store.changes import CHANGED, change_of
from telerun_server.store.database_thread import Execute
from telerun_server.store.ending import Ending

UNBOUNDED = 1 << 62

PHASE = f"""UPDATE jobs SET phase = :phase, changed_at = max(:now, changed_at),
    phases = json_insert(phases, '$[#]', json_object('phase', :phase, 'started_at', max(:now, changed_at))),
    state = CASE WHEN :phase = 'run' THEN 'running' ELSE state END,
    started_at = CASE WHEN :phase = 'run' THEN max(:now, changed_at) ELSE started_at END
  WHERE id = :job_id AND claim_id = :claim_id AND executor = :executor AND phase IS NOT :phase
  RETURNING {CHANGED}"""  # noqa: S608

# A claim that holds the job, or that its executor has ended: what it told before, it may tell again.
KNOWN = """SELECT 1 FROM jobs WHERE id = :job_id
  AND (claim_id = :claim_id AND executor = :executor OR ended_claim_id = :claim_id)"""


def report(execute: Execute, told: Iterable[Told], max_attempts: int, now: float) -> list[Change | TelerunError | None]:
    return [_report(execute, one, max_attempts, now) for one in told]


def _report(execute: Execute, told: Told, max_attempts: int, now: float) -> Change | TelerunError | None:
    """What is refused has written nothing."""
    report, now = told.report, now - told.report.ago_s
    held = {"job_id": report.job_id, "claim_id": report.claim_id, "executor": told.executor}
    if report.phase is not None:
        row = execute(PHASE, {**held, "phase": report.phase, "now": now}).fetchone()
        change = change_of(row) if row else None
    else:
        ending = Ending(execute, **held, now=now)
        if report.result is None:
            change = ending.requeue(UNBOUNDED, uncounted=True)
        elif report.result.artifacts and (missing := _missing(execute, held, report.result)):
            return missing
        else:
            change = _finish(ending, report.result, max_attempts)
        change = change or ending.end(told.when_cancelled, cancelled=True)
    if change is None and not execute(KNOWN, held).fetchone():
        return StaleClaim(hint="Stop working on it: it was given to another attempt, or has ended.")
    return change


def _finish(ending: Ending, result: Result, max_attempts: int) -> Change | None:
    change = None
    if result.reason is not None and result.reason.is_ours:
        change = ending.requeue(max_attempts)
    return change or ending.end(result, cancelled=result.state is State.SUCCEEDED)


def _missing(execute: Execute, held: dict[str, str], result: Result) -> MissingBlobs | None:
    sql = "SELECT number FROM jobs WHERE id = :job_id AND claim_id = :claim_id AND executor = :executor"
    row = execute(sql, held).fetchone()
    if row is None:  # the guarded UPDATE tells why
        return None
    present = {sha256 for (sha256,) in execute("SELECT sha256 FROM job_blobs WHERE job = ?", row)}
    missing = {artifact.sha256 for artifact in result.artifacts} - present
    if not missing:
        return None
    return MissingBlobs("The result names files that were not uploaded for this job.", items=tuple(sorted(missing)))
