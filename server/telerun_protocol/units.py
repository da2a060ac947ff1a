"""Sizes and durations as people write and read them."""

from __future__ import annotations

import math
import re

from telerun_protocol.errors import InvalidMessage

_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?", re.IGNORECASE)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d)", re.IGNORECASE)


def parse_size(text: str) -> int:
    """`2GB`, `512 MiB`, `100k`, `4096` in bytes."""
    match = _SIZE.fullmatch(text.strip())
    size = float(match[1]) * _BYTES.get(match[2].lower(), 0) if match else 0
    if not 1 <= size < math.inf:
        raise InvalidMessage(f"{text!r} is not a size.", hint="Write it like 512MB or 2GiB.")
    return int(size)


def parse_duration(text: str) -> float:
    """`30`, `30s`, `2m`, `1h30m`, `500ms` in seconds."""
    compact = text.replace(" ", "")
    if re.fullmatch(r"\d+(\.\d+)?", compact):
        seconds = float(compact)
    else:
        parts = _PART.findall(compact)
        whole = "".join(number + unit for number, unit in parts) == compact
        seconds = sum(float(number) * _SECONDS[unit.lower()] for number, unit in parts) if whole else 0.0
    if not 0 < seconds < math.inf:
        raise InvalidMessage(f"{text!r} is not a duration.", hint="Write it like 30s, 2m or 1h30m.")
    return seconds


def show_size(size_bytes: int) -> str:
    if size_bytes < 1024:
        return f"{size_bytes} B"
    size, unit = size_bytes / 1024, "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if size < 1023.5:
            break
        size, unit = size / 1024, larger
    number = f"{size:.1f}".removesuffix(".0") if size < 9.95 else f"{size:.0f}"
    return f"{number} {unit}"


def show_duration(seconds: float) -> str:
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours_of_day = divmod(hours, 24)
    if days:
        return f"{days} day{'s' if days > 1 else ''}" + (f" {hours_of_day} h" if hours_of_day else "")
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
