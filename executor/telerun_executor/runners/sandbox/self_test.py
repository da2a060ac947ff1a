"""Whether the sandbox holds on this machine: a hostile program is run in it before any stranger's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from telerun_executor.runners import native
from telerun_executor.runners.base import Box, Command, ProcessExit, Runner, Terms
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import SandboxError
from telerun_protocol.messages import Limits
from telerun_protocol.states import Reason

SOURCE = Path(__file__).with_name("probe.c")
PROCESSES, DISK_BYTES, MEMORY_BYTES = 16, 4 << 20, 64 << 20
LIMITS = Limits(processes=PROCESSES, disk_bytes=DISK_BYTES, memory_bytes=MEMORY_BYTES)
WITHIN_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """What the kernel bounds on this machine."""

    memory: bool
    processes: bool
    disk: bool


async def self_test(runner: Runner, bounded: Bounded) -> None:
    """Raises SandboxError that names what did not hold."""
    async with runner.workspace("self-test") as workspace:
        await native.build(SOURCE, workspace.src / "probe")
        try:
            async with asyncio.timeout(WITHIN_S), runner.open(workspace, LIMITS, Terms()) as box:
                broken = [problem async for problem in _problems(box, workspace, bounded)]
        except TimeoutError:
            broken = ["it does not end what it should"]
    if broken:
        raise SandboxError(
            f"The sandbox does not hold on this machine: {'; '.join(broken)}.",
            hint="`telerun-executor doctor` tells what it needs.",
        )


async def _problems(box: Box, workspace: Workspace, bounded: Bounded) -> AsyncIterator[str]:
    printed, exit_ = await _try(box, workspace)
    lines = printed.splitlines()
    for line in lines:
        if line.startswith("BROKEN "):
            yield line.removeprefix("BROKEN ")
    if not exit_.ok or not lines:
        yield f"the test itself failed ({exit_.exit_code or exit_.signal})"
    if bounded.processes:
        printed, exit_ = await _try(box, workspace, "fork")
        if not exit_.ok or not 0 < _number(printed) <= PROCESSES:
            yield f"of {PROCESSES} processes it could start {printed.strip() or 'none'}"
    if bounded.disk:
        printed, exit_ = await _try(box, workspace, "fill")
        if not 0 < _number(printed) <= DISK_BYTES and exit_.reason is not Reason.DISK_LIMIT:
            yield f"of {DISK_BYTES} bytes it could write {printed.strip() or 'none'}"
    if bounded.memory:
        printed, exit_ = await _try(box, workspace, "memory")
        if exit_.reason is not Reason.MEMORY_LIMIT:
            yield f"it could take more memory than {MEMORY_BYTES} bytes"


async def _try(box: Box, workspace: Workspace, *what: str) -> tuple[str, ProcessExit]:
    printed = bytearray()

    async def keep(_: int, data: bytes) -> None:
        printed.extend(data[:4096])

    program = str(workspace.src / "probe")
    exit_ = await box.run(Command(argv=(program, *what), cwd=workspace.work, env={"PATH": "/usr/bin:/bin"}), keep)
    return printed.decode(errors="replace"), exit_


def _number(text: str) -> int:
    return int(text) if text.strip().isdecimal() else 0
