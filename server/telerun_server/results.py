"""The results that executors tell of jobs: which can be, and what a cancelled job's becomes."""

from __future__ import annotations

import msgspec

from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import Report, Result
from telerun_protocol.states import Reason, State

NEVER_STARTED = Result(state=State.CANCELLED, reason=Reason.CANCELLED, message="Cancelled before it was started.")


def unfit(report: Report) -> InvalidMessage | None:
    """Why the report cannot be taken, whoever tells it."""
    result = report.result
    if result is None or (result.state.is_final and (result.state is State.SUCCEEDED) == (result.reason is None)):
        return None
    return InvalidMessage("$.result: a final state is needed, with a reason unless the job succeeded.", path="$.result")


def when_cancelled(result: Result | None) -> Result:
    """What a job whose cancelling was asked ends with: that, whatever its executor made of it, or gave back."""
    if result is None:
        return Result(state=State.CANCELLED, reason=Reason.CANCELLED, message="Cancelled.")
    if result.state is State.SUCCEEDED:
        return result
    return msgspec.structs.replace(
        result, state=State.CANCELLED, reason=Reason.CANCELLED, message="Cancelled while it ran.", hint=""
    )
