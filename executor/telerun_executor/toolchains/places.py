"""The folders outside the system's own that compilers and interpreters live in: a sandbox has to show them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from telerun_executor.toolchains.discovery import find_cuda_tools, find_tool

log = logging.getLogger(__name__)
SYSTEM = tuple(Path(name) for name in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"))
TOOLS = ("bash", "gcc", "g++", "clang", "clang++", "make", "cmake")
EMULATOR = Path(__file__).parent.parent / "emulator"


def places(python: str) -> list[Path]:
    """What to show for these tools and this Python, each folder once, nothing that is below another."""
    shown: list[Path] = []
    for folder in sorted(set(_folders(python))):
        if any(folder.is_relative_to(above) for above in (*SYSTEM, *shown)):
            continue
        if not (os.access(folder, os.R_OK | os.X_OK) and folder.is_dir()):  # such as one in another user's home
            continue
        if Path.home().is_relative_to(folder):
            log.warning("a program in it cannot be shown to jobs without all of it", extra={"folder": str(folder)})
            continue
        shown.append(folder)
    return shown


def _folders(python: str) -> Iterator[Path]:
    interpreter = Path(python).absolute()
    yield from _tops([interpreter, interpreter.resolve()])
    cuda = find_cuda_tools()
    yield from (tool.path.parent.parent for tool in (cuda.nvcc and cuda.nvcc.tool, cuda.nvdisasm) if tool)
    yield from _tops(path for name in TOOLS if (tool := find_tool(name)) for path in (tool.path, tool.path.resolve()))
    yield EMULATOR


def _tops(programs: Iterable[Path]) -> Iterator[Path]:
    """Of `top/bin/program` the top."""
    yield from (program.parent.parent for program in programs)
