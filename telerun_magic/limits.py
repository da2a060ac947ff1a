"""`--limit NAME=VALUE`, in a cell and in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from telerun_magic.language import closest
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.units import parse_duration, parse_size

_READERS: dict[str, tuple[str, Callable[[str], float]]] = {
    "cpu_time": ("cpu_time_s", parse_duration),
    "compile_time": ("compile_time_s", parse_duration),
    "output": ("output_bytes", parse_size),
    "disk": ("disk_bytes", parse_size),
    "processes": ("processes", int),
}


def read_limits(pairs: Iterable[tuple[str, str]]) -> dict[str, float]:
    """The fields of `Limits` for these names and values."""
    return dict(_limit(name, value) for name, value in pairs)


def _limit(name: str, value: str) -> tuple[str, float]:
    key = name.replace("-", "_")
    if key not in _READERS:
        guess = closest(key, _READERS)
        raise InvalidMessage(
            f"There is no limit {name!r}.",
            hint=f"Did you mean {guess}?" if guess else f"There are {', '.join(_READERS)}.",
        )
    limit, read = _READERS[key]
    try:
        return limit, read(value)
    except ValueError:
        raise InvalidMessage(f"--limit {name}={value}: {value!r} is not a number.") from None
