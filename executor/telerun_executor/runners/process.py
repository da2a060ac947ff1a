"""The plain runner: a job's commands are ordinary processes of the executor's own user.

It keeps them in sessions of their own, with an empty environment and resource limits, ends all of them, and watches
what a resource limit cannot bound. It isolates nothing: a job can read and write whatever the executor's user can, and
what is watched is noticed a moment late. Results say so with isolation "none"; a sandbox does it properly.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from telerun_executor.runners.base import Box, Command, Output, ProcessExit, Runner
from telerun_executor.runners.launch import Launcher, Launchers
from telerun_executor.runners.usage import Watch, met_file_limit
from telerun_executor.workspace import Workspace
from telerun_protocol.messages import Device, Limits
from telerun_protocol.states import Isolation, Reason

GRACE_S = 1.0
WARM_LAUNCHERS = 4
LAST_OUTPUT_S = 0.3  # how long the pipe of an ended command may stay open in foreign hands
LAST_OUTPUT_WHEN_CANCELLED_S = 1.0  # then what was printed last may be lost, if nobody takes it
BLOCK_BYTES = 1 << 18
OPEN_FILES = 4096
FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW


class ProcessRunner(Runner):
    """Runs commands as plain processes. `records` is a folder in which processes are noted for the next start."""

    isolation = Isolation.NONE

    def __init__(self, records: Path, *, grace_s: float = GRACE_S) -> None:
        self._launchers = Launchers(records)
        self._grace_s = grace_s

    @contextlib.asynccontextmanager
    async def open(self, workspace: Workspace, limits: Limits, devices: Sequence[Device]) -> AsyncIterator[Box]:
        yield ProcessBox(self._launchers, workspace, limits, devices, self._grace_s)

    async def start(self, commands_at_once: int) -> None:
        await self._launchers.fill(min(commands_at_once, WARM_LAUNCHERS))

    async def close(self) -> None:
        await self._launchers.close()


class ProcessBox(Box):
    def __init__(
        self, launchers: Launchers, workspace: Workspace, limits: Limits, devices: Sequence[Device], grace_s: float
    ) -> None:
        self._launchers = launchers
        self._workspace = workspace
        self._limits = limits
        self._grace_s = grace_s
        # UUIDs name the same GPU whatever the order; an empty list hides all of them from CUDA.
        self._devices_env = {"CUDA_VISIBLE_DEVICES": ",".join(device.id for device in devices)}

    async def run(
        self, command: Command, output: Output, on_exit: Callable[[ProcessExit], None] | None = None
    ) -> ProcessExit:
        try:
            async with self._launchers.lend() as launcher:
                return await self._run(launcher, command, output, on_exit or (lambda _: None))
        except BaseExceptionGroup as group:  # the first failure has ended the others
            raise group.exceptions[0] from None

    async def _run(
        self, launcher: Launcher, command: Command, output: Output, on_exit: Callable[[ProcessExit], None]
    ) -> ProcessExit:
        request = {
            "argv": command.argv,
            "env": {**command.env, **self._devices_env},
            "cwd": str(command.cwd),
            "rlimits": rlimits(self._limits),
        }
        watch = Watch(launcher.process, self._limits, self._workspace.work, on_excess=lambda: launcher.end(0))
        ended = asyncio.Event()
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            stdin = _owned(theirs, os.open(command.stdin or os.devnull, os.O_RDONLY))
            fds, readers = [stdin], []
            for stream, file in ((command.stdout, command.stdout_file), (command.stderr, None)):
                if file is not None:
                    fds.append(_owned(theirs, os.open(file, FILE_FLAGS, 0o644)))
                    continue
                reading, writing = os.pipe()
                fds.append(_owned(theirs, writing))
                readers.append((await _reader(ours, reading), stream))
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(watch.run())
                pumps = [group.create_task(_pump(reader, stream, output, ended)) for reader, stream in readers]
                try:
                    answer = await launcher.run(request, fds, self._grace_s)
                except asyncio.CancelledError:
                    theirs.close()
                    ended.set()
                    await asyncio.wait(pumps, timeout=LAST_OUTPUT_WHEN_CANCELLED_S)
                    on_exit(_exit(launcher.answer, watch))
                    raise
                finally:
                    watching.cancel()
                theirs.close()
                ended.set()
        if "failed" in answer:
            await output(command.stderr, f"{command.argv[0]}: {answer['failed']}\n".encode(errors="replace"))
            exit_ = ProcessExit(exit_code=127 if answer["errno"] == errno.ENOENT else 126)
        else:
            exit_ = await self._explained(_exit(answer, watch))
        on_exit(exit_)
        return exit_

    async def _explained(self, exit_: ProcessExit) -> ProcessExit:
        """With the limit that it ran into, where nobody had to end it for that."""
        limits, reason = self._limits, exit_.reason
        if reason is None and exit_.signal == signal.SIGXCPU:
            reason = Reason.CPU_TIME_LIMIT
        if reason is None and exit_.signal == signal.SIGXFSZ:
            reason = Reason.DISK_LIMIT
        if reason is None and exit_.exit_code != 0 and limits.disk_bytes:
            met = await asyncio.to_thread(met_file_limit, self._workspace.work, limits.disk_bytes)
            reason = Reason.DISK_LIMIT if met else None
        if reason is None and limits.memory_bytes and exit_.peak_memory_bytes > limits.memory_bytes:
            reason = Reason.MEMORY_LIMIT  # over before it was seen
        return replace(exit_, reason=reason)


def _exit(answer: Mapping[str, Any], watch: Watch) -> ProcessExit:
    """What the launcher answered and the watch saw."""
    return ProcessExit(
        exit_code=answer.get("exit_code"),
        signal=answer.get("signal"),
        reason=watch.exceeded,
        wall_time_s=answer.get("wall_time_s", 0.0),
        cpu_time_s=max(answer.get("cpu_time_s", 0.0), watch.cpu_time_s),
        peak_memory_bytes=max(answer.get("peak_memory_bytes", 0), watch.peak_memory_bytes),
    )


def rlimits(limits: Limits) -> dict[str, tuple[int, int]]:
    """The limits the kernel can keep for each process.

    Memory is not among them: address space and data limits count what is reserved, not what is used, which CUDA and
    the address sanitizer do by the terabyte. Processes neither: that limit counts all of the user's.
    """
    kept = {"RLIMIT_CORE": (0, 0), "RLIMIT_NOFILE": (OPEN_FILES, OPEN_FILES)}
    if limits.cpu_time_s:
        whole = math.ceil(limits.cpu_time_s)
        kept["RLIMIT_CPU"] = (whole, whole + 1)  # first SIGXCPU, then SIGKILL
    if limits.disk_bytes:
        kept["RLIMIT_FSIZE"] = (limits.disk_bytes, limits.disk_bytes)
    return kept


def _owned(stack: contextlib.ExitStack, fd: int) -> int:
    stack.callback(os.close, fd)
    return fd


async def _reader(stack: contextlib.ExitStack, fd: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=BLOCK_BYTES)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", buffering=0)
    )
    stack.callback(transport.close)
    return reader


async def _pump(reader: asyncio.StreamReader, stream: int, output: Output, ended: asyncio.Event) -> None:
    """Hands on what a pipe gives until its end; after the command's own end, until it has been quiet for a moment."""
    while True:
        try:
            async with asyncio.timeout(LAST_OUTPUT_S):
                data = await reader.read(BLOCK_BYTES)
        except TimeoutError:
            if ended.is_set():
                return
            continue
        if not data:
            return
        await output(stream, data)
