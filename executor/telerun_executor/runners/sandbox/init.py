"""The first process of a box (`init.c`): how it is built, and how to read what it tells."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from telerun_protocol.errors import SandboxError

SOURCES = Path(__file__).parent


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


async def build(name: str, target: Path) -> None:
    """Compiles `name`.c of this folder with the machine's C compiler. Raises SandboxError with what it said."""
    try:
        compiler = await asyncio.create_subprocess_exec(
            "gcc", "-O1", "-o", str(target), str(SOURCES / f"{name}.c"),
            env={"PATH": os.environ.get("PATH", os.defpath)},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError:
        raise SandboxError("The sandbox needs gcc for its first process: install it (apt-get install gcc).") from None
    _, said = await compiler.communicate()
    if compiler.returncode:
        raise SandboxError(f"The sandbox's {name}.c does not compile here: {said.decode(errors='replace').strip()}")
