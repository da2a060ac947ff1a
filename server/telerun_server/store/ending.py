"""SQLite: how jobs end or are queued again. Each function runs inside one transaction, each change is one UPDATE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from telerun_protocol.messages import Result
from telerun_protocol.states import Reason, State
from telerun_server.store.base import Change
from telerun_server.store.changes import CHANGED, change_of, text_of
from telerun_server.store.database_thread import Execute

END = f"""UPDATE jobs SET state = :state, reason = :reason, result = :result, finished_at = max(:now, changed_at),
    changed_at = max(:now, changed_at), phase = NULL, claim_id = NULL, claim_request = NULL, instance = NULL,
    lease_until = NULL, ended_claim_id = :ended
  WHERE id = :job_id AND claim_id = :claim_id AND executor = :executor AND (NOT cancel_requested OR :cancelled)
  RETURNING {CHANGED}"""  # noqa: S608

REQUEUE = f"""UPDATE jobs SET state = 'queued', attempt = attempt - :uncounted,
    changed_at = max(:now, changed_at), executor = NULL, claimed_at = NULL, started_at = NULL, phase = NULL,
    phases = '[]', claim_id = NULL, claim_request = NULL, instance = NULL, lease_until = NULL, ended_claim_id = :ended
  WHERE id = :job_id AND claim_id = :claim_id AND executor = :executor AND NOT cancel_requested
    AND attempt < :max_attempts RETURNING {CHANGED}"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Ending:
    """A held job that is to be held no more. `instance` is None where its executor itself says so."""

    execute: Execute
    job_id: str
    claim_id: str
    executor: str
    now: float
    instance: str | None = None

    def end(self, result: Result, *, cancelled: bool) -> Change | None:
        """Ends it; but not when its cancelling was asked, unless `cancelled`: the result may be the answer to that."""
        return self._apply(END, state=result.state, reason=result.reason, result=text_of(result), cancelled=cancelled)

    def requeue(self, max_attempts: int, *, uncounted: bool = False) -> Change | None:
        """Queues it again, unless its attempts are used up or its cancelling was asked."""
        return self._apply(REQUEUE, max_attempts=max_attempts, uncounted=uncounted)

    def _apply(self, sql: str, **more: object) -> Change | None:
        ended = self.claim_id if self.instance is None else None
        held = {"job_id": self.job_id, "claim_id": self.claim_id, "executor": self.executor}
        values = {**held, "now": self.now, "ended": ended, **more}
        row = self.execute(sql, values).fetchone()
        return change_of(row, (self.instance, self.claim_id)) if row else None


CANCEL_QUEUED = f"""UPDATE jobs SET state = 'cancelled', reason = 'cancelled', cancel_requested = 1, result = :result,
    finished_at = :now, changed_at = :now WHERE id = :job_id AND state = 'queued' RETURNING {CHANGED}"""  # noqa: S608
CANCEL_HELD = f"""UPDATE jobs SET cancel_requested = 1, changed_at = :now
  WHERE id = :job_id AND claim_id IS NOT NULL AND NOT cancel_requested RETURNING {CHANGED}, instance, claim_id"""  # noqa: S608


def cancel(execute: Execute, job_id: str, result: Result, now: float) -> Change | None:
    values = {"job_id": job_id, "now": now, "result": text_of(result)}
    if row := execute(CANCEL_QUEUED, values).fetchone():
        return change_of(row)
    if row := execute(CANCEL_HELD, values).fetchone():
        return change_of(row[:4], row[4:])
    return None


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
        ending = Ending(execute, job_id, claim_id, executor, now, instance)
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
            ending.requeue(max_attempts) or ending.end(lost, cancelled=False) or ending.end(cancelled, cancelled=True)
        )
        if change:
            yield change
