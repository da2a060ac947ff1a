"""JSON to structs and back. A bad body is an InvalidMessage that names the place, like `$.spec.limits.wall_time_s`."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from telerun_protocol.errors import BY_CODE, InvalidMessage, TelerunError
from telerun_protocol.messages import Problem

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
encode = _encoder.encode


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def _decoder(type_: type[T]) -> msgspec.json.Decoder[T]:
    if type_ not in _decoders:
        _decoders[type_] = msgspec.json.Decoder(type_)
    return _decoders[type_]


def decode(body: bytes | str, type_: type[T]) -> T:
    """The struct in a JSON text, or InvalidMessage with the path of what is wrong in it."""
    try:
        return _decoder(type_).decode(body)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidMessage(f"This is not JSON: {error}.") from None


def convert(value: Any, type_: type[T]) -> T:
    """The struct from plain Python data (a dict from TOML, a notebook's keyword arguments)."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None


def invalid(text: str) -> InvalidMessage:
    """Msgspec's "Expected `int`, got `str` - at `$.a.b`" as our error."""
    match = re.search(r"^(.*?)(?: - at `(.*)`)?$", text, re.DOTALL)
    assert match is not None
    what, path = match[1], match[2] or "$"
    return InvalidMessage(f"{path}: {what}.", path=path)


def problem_of(error: TelerunError) -> Problem:
    return Problem(
        code=error.code, message=error.message, hint=error.hint, path=error.path, items=error.items, status=error.status
    )


def error_of(status: int, body: bytes, retry_after_s: float | None = None) -> TelerunError:
    """The error that a server's answer stands for, even when a proxy in between wrote the answer."""
    try:
        problem = _decoder(Problem).decode(body)
    except msgspec.MsgspecError:
        by_status = {kind.status: kind for kind in reversed(BY_CODE.values())}
        kind = by_status.get(status, TelerunError)
        said = f"The server answered HTTP {status}." if body or kind is TelerunError else None  # None: HEAD has no body
        return kind(said, retry_after_s=retry_after_s)
    return error_from(problem, retry_after_s)


def error_from(problem: Problem, retry_after_s: float | None = None) -> TelerunError:
    """What `problem_of` was made from."""
    kind = BY_CODE.get(problem.code, TelerunError)
    return kind(problem.message, hint=problem.hint, path=problem.path, items=problem.items, retry_after_s=retry_after_s)
