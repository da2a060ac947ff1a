"""Errors as the browser gets them."""

from __future__ import annotations

import msgspec

from telerun_protocol.codec import problem_of
from telerun_protocol.errors import Forbidden, NotConfigured, ServerUnreachable, TelerunError, Unauthorized
from telerun_protocol.messages import Problem

_BAD_GATEWAY = (Unauthorized, Forbidden, ServerUnreachable)  # a 401 or 403 would tell that Jupyter's login has expired


def status_of(error: TelerunError) -> int:
    if isinstance(error, _BAD_GATEWAY):
        return 502
    if isinstance(error, NotConfigured):
        return 409
    return error.http_status or error.status


def problem(error: TelerunError) -> Problem:
    return msgspec.structs.replace(problem_of(error), status=status_of(error))
