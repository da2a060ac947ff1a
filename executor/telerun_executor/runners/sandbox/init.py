"""The first process of a box (`init.c`): how to read what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("init.c")


@dataclass(frozen=True, slots=True)
class Told:
    """What it told until its end. Neither an exit nor a signal: it was ended itself."""

    started: bool = False
    exit_code: int | None = None
    signal: int | None = None
    failed: int | None = None  # the errno of a program that could not be started


def read(status: bytes) -> Told:
    """Reads its lines. Nothing of the job can write there."""
    words = dict(line.split() for line in status.decode("ascii", errors="replace").splitlines() if line.count(" ") == 1)
    found = {word: int(number) for word, number in words.items()}
    failed = found.get("failed")
    return Told(
        started="started" in found,
        exit_code=found.get("exit") if failed is None else None,
        signal=found.get("signal"),
        failed=failed,
    )
