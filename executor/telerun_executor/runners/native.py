"""The executor's own small programs in C: each is built where it is needed, with the compiler that jobs use as well."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from telerun_protocol.errors import SandboxError

LINKED = (("-static",), ())  # static where that library is installed: such a program starts sooner


async def build(source: Path, target: Path) -> None:
    """Compiles one file into a program. Raises SandboxError with what the compiler said."""
    said = b""
    for options in LINKED:
        try:
            compiler = await asyncio.create_subprocess_exec(
                "gcc", "-O1", *options, "-o", str(target), str(source),
                env={"PATH": os.environ.get("PATH", os.defpath)},
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except FileNotFoundError:
            raise SandboxError("The executor needs gcc for small programs of its own (apt-get install gcc).") from None
        _, said = await compiler.communicate()
        if compiler.returncode == 0:
            return
    message = said.decode(errors="replace").strip()
    raise SandboxError(f"The executor's {source.name} does not compile here: {message}")
