"""Directives in a source: `// TL {"platform": "h100"}`, as the clients before Telerun had them.

    line       = ws* ("//" | "#" | "%") ws* "TL" ["+"] ws* json-object ws*
    TL  {k: v}   sets k
    TL+ {k: v}   appends to k where it is a list already, sets it otherwise

Lines apply from top to bottom. A comment that only starts with TL (`// TLB misses`) is a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from telerun_protocol.errors import InvalidMessage

_LINE = re.compile(r"^[ \t]*(?://|#|%)[ \t]*TL(\+?)[ \t]*(\{.*)$")
_LISTS = ("compile_flags", "header_files", "workspace_files")


@dataclass(frozen=True, slots=True, kw_only=True)
class Directives:
    platform: str | None = None
    compile_flags: tuple[str, ...] = ()
    header_files: tuple[str, ...] = ()
    workspace_files: tuple[str, ...] = ()


def read(source: str) -> Directives:
    """What the directives of a source add up to; a broken one is an error that names its line."""
    found: dict[str, Any] = {}
    for number, line in enumerate(source.splitlines(), 1):
        if not (match := _LINE.match(line)):
            continue
        for key, value in _object(match[2], number).items():
            _check(key, value, number)
            if match[1] and isinstance(found.get(key), list):
                found[key] = found[key] + value
            else:
                found[key] = value
    return Directives(
        platform=found.get("platform"), **{key: tuple(found[key]) for key in _LISTS if found.get(key) is not None}
    )


def _object(text: str, number: int) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text.strip(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise InvalidMessage(
            f"The TL directive in line {number} is not JSON: {error}.",
            hint='Write it like // TL {"compile_flags": ["-O3"]}, or take the comment out.',
        ) from None


def _check(key: str, value: Any, number: int) -> None:
    if key == "platform" and not isinstance(value, str):
        raise InvalidMessage(f"The TL directive in line {number}: platform must be a text.")
    if key in _LISTS and not (isinstance(value, list) and all(isinstance(entry, str) for entry in value)):
        raise InvalidMessage(f"The TL directive in line {number}: {key} must be a list of texts.")
