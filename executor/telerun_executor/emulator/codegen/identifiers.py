"""Names of PTX as C identifiers, and text as C strings."""

from __future__ import annotations

import re
from functools import lru_cache

_OTHER = re.compile(r"[^A-Za-z0-9]")


@lru_cache(maxsize=8192)
def identifier(name: str) -> str:
    """A C identifier that no other PTX name has."""
    return _OTHER.sub(lambda match: "_" if match[0] == "_" else f"_{ord(match[0]):x}x", name)


def string(text: str) -> str:
    """A C string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
