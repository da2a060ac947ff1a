"""Values of options as people write them, in a cell and in a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable

from telerun_magic.language import closest
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.units import parse_duration, parse_size

_LIMITS: dict[str, tuple[str, Callable[[str], float]]] = {
    "cpu_time": ("cpu_time_s", parse_duration),
    "compile_time": ("compile_time_s", parse_duration),
    "output": ("output_bytes", parse_size),
    "disk": ("disk_bytes", parse_size),
    "processes": ("processes", int),
}


def split(text: str, *, comments: bool = False) -> list[str]:
    """The words of a line, as a shell splits it; with `comments`, up to a #."""
    try:
        return shlex.split(text, comments=comments)
    except ValueError as error:
        raise InvalidMessage(f"{text!r} has a quote without its partner: {error}.") from None


def pair(option: str, text: str) -> tuple[str, str]:
    """The two sides of NAME=VALUE."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise InvalidMessage(f"{option} {text!r} must look like NAME=VALUE.")
    return name, value


def read_limits(texts: Iterable[str]) -> dict[str, float]:
    """The fields of `Limits` for what is given by `--limit NAME=VALUE`."""
    return dict(_limit(*pair("--limit", text)) for text in texts)


def _limit(name: str, value: str) -> tuple[str, float]:
    key = name.replace("-", "_")
    if key not in _LIMITS:
        guess = closest(key, _LIMITS)
        raise InvalidMessage(
            f"There is no limit {name!r}.",
            hint=f"Did you mean {guess}?" if guess else f"There are {', '.join(_LIMITS)}.",
        )
    limit, read = _LIMITS[key]
    try:
        return limit, read(value)
    except ValueError:
        raise InvalidMessage(f"--limit {name}={value}: {value!r} is not a number.") from None
