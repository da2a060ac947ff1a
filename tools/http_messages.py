"""Writes the messages of the HTTP API into docs/http-api.md: `python tools/http_messages.py docs/http-api.md`.

What stands between the two marks comes from `telerun_protocol.messages` alone.
"""

from __future__ import annotations

import inspect
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from telerun_protocol import messages, states
from telerun_protocol.messages import Message

BEGIN, END = "<!-- messages: begin -->\n", "<!-- messages: end -->\n"


COMMENTED = re.compile(r"^    (\w+): .*  # (.+)$", re.MULTILINE)


def section() -> str:
    """A table a message, in the order of the module, then the words that fields may hold."""
    tables = [_table(type_) for type_ in vars(messages).values() if _is_message(type_)]
    return "\n".join([*tables, "### Words\n", "| word | one of |", "|---|---|", *map(_words, _enums()), ""])


def page(text: str) -> str:
    """The page with the section as it must be."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{section()}\n{END}{tail}"


def _is_message(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, Message) and value is not Message


def _enums() -> list[type[StrEnum]]:
    return [
        one for one in vars(states).values() if inspect.isclass(one) and issubclass(one, StrEnum) and one != StrEnum
    ]


def _words(enum: type[StrEnum]) -> str:
    return f"| {enum.__name__} | {', '.join(f'`{word}`' for word in enum)} |"


def _table(type_: type[Message]) -> str:
    _, components = msgspec.json.schema_components((type_,), ref_template="{name}")
    schema = components[type_.__name__]
    required = set(schema.get("required", ()))
    text = " ".join(inspect.cleandoc(type_.__doc__ or "").split())
    comments = {name: comment.replace("|", "\\|") for name, comment in COMMENTED.findall(inspect.getsource(type_))}
    rows = [
        f"| `{name}` | {_type(field)} | {default} | {comments.get(name, '')} |"
        for name, field in schema["properties"].items()
        for default in ["required" if name in required else _default(field)]
    ]
    head = [
        f"### {type_.__name__}\n",
        *([f"{text}\n"] if text else []),
        "| field | type | default | |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    return "" if isinstance(default, dict) else f"`{msgspec.json.encode(default).decode()}`"


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(one) for one in field["anyOf"])
    if "$ref" in field:
        name = field["$ref"]
        return f"[{name}](#{name.lower()})" if _is_message(getattr(messages, name)) else f"[{name}](#words)"
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}" + _bounds(field)
    if field.get("type") == "object":
        return f"object of {_type(field.get('additionalProperties', {}))}" + _bounds(field)
    return str(field.get("type", "any")) + _bounds(field)


def _bounds(field: dict[str, Any]) -> str:
    words = {
        "exclusiveMinimum": "> {}",
        "minimum": "≥ {}",
        "maximum": "≤ {}",
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "maxItems": "at most {}",
        "pattern": "`{}`",
    }
    found = [text.format(str(field[key]).replace("|", "\\|")) for key, text in words.items() if key in field]
    return f" ({', '.join(found)})" if found else ""


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(page(path.read_text(encoding="utf-8")), encoding="utf-8")
