"""The executor's own log: one line an event, its data quoted beside it, so that no data looks like another line."""

from __future__ import annotations

import logging
import sys
from typing import Literal

from pythonjsonlogger.json import JsonFormatter

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class TextFormatter(logging.Formatter):
    """`time LEVEL event key='value'`; values are quoted as Python does, control characters and all."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        data = " ".join(f"{key}={value!r}" for key, value in vars(record).items() if key not in _STANDARD)
        return f"{super().formatMessage(record)} {data}".rstrip()


def set_up(kind: Literal["text", "json"], level: int = logging.INFO) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter("{asctime}{levelname}{name}{message}", style="{") if kind == "json" else TextFormatter()
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
