"""What the runners have in common whose commands are started by launchers: pipes, limits, the end of a command."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import os
import signal
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from telerun_executor.runners.base import Box, Command, Output, ProcessExit, Terms
from telerun_protocol.messages import Limits, Usage
from telerun_protocol.states import Reason

GRACE_S = 1.0
LAST_OUTPUT_S = 0.3  # how long the pipe of an ended command may stay open in foreign hands
LAST_OUTPUT_WHEN_CANCELLED_S = 1.0  # then what was printed last may be lost, if nobody takes it
BLOCK_BYTES = 1 << 18
OPEN_FILES = 4096
FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


class Watching(Protocol):
    """Looks after a running command's use of resources."""

    @property
    def exceeded(self) -> Reason | None: ...

    @property
    def cpu_time_s(self) -> float: ...

    @property
    def peak_memory_bytes(self) -> int: ...

    def usage(self) -> Usage:
        """What was used when it last looked."""

    async def run(self) -> None:
        """Looks until it is cancelled or a limit is exceeded, and then has the command ended."""


class Start(Protocol):
    """All that is ready for one command."""

    @property
    def watch(self) -> Watching: ...

    @property
    def owner(self) -> int | None:
        """Whose a file with the command's output becomes, if not our own."""

    async def run(self, command: Command, streams: Sequence[int]) -> None:
        """Runs it to its end with these descriptors as its streams. Cancelling ends it, with a grace."""

    async def ended(self) -> ProcessExit | OSError:
        """How it ended, with the limit that it ran into; an OSError where it could not be started."""


class LaunchedBox(Box):
    """A box whose commands a launcher starts."""

    def __init__(self) -> None:
        self._watches: set[Watching] = set()

    def usage(self) -> Usage | None:
        if not self._watches:
            return None
        used = [watch.usage() for watch in self._watches]
        return Usage(**{name: sum(getattr(one, name) for one in used) for name in Usage.__struct_fields__})

    @abstractmethod
    def _start(self) -> contextlib.AbstractAsyncContextManager[Start]:
        """What one command needs. It is left when nothing of the command is alive."""

    async def run(
        self, command: Command, output: Output, on_exit: Callable[[ProcessExit], None] | None = None
    ) -> ProcessExit:
        try:
            async with self._start() as start:
                return await self._run(start, command, output, on_exit or (lambda _: None))
        except BaseExceptionGroup as group:  # the first failure has ended the others
            raise group.exceptions[0] from None

    async def _run(
        self, start: Start, command: Command, output: Output, on_exit: Callable[[ProcessExit], None]
    ) -> ProcessExit:
        ended = asyncio.Event()
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            streams = [owned(theirs, os.open(command.stdin or os.devnull, os.O_RDONLY | os.O_CLOEXEC))]
            readers: list[tuple[asyncio.StreamReader, int]] = []
            for stream, file in ((command.stdout, command.stdout_file), (command.stderr, None)):
                if file is not None:
                    streams.append(owned(theirs, os.open(file, FILE_FLAGS, 0o644)))
                    if start.owner is not None:
                        os.fchown(streams[-1], start.owner, start.owner)
                    continue
                reading, writing = os.pipe2(os.O_CLOEXEC)
                streams.append(owned(theirs, writing))
                readers.append((await _reader(ours, reading), stream))
            self._watches.add(start.watch)
            ours.callback(self._watches.discard, start.watch)
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(start.watch.run())
                pumps = [group.create_task(_pump(reader, stream, output, ended)) for reader, stream in readers]
                try:
                    await start.run(command, streams)
                except asyncio.CancelledError:
                    theirs.close()
                    ended.set()
                    await asyncio.wait(pumps, timeout=LAST_OUTPUT_WHEN_CANCELLED_S)
                    told = await start.ended()
                    on_exit(told if isinstance(told, ProcessExit) else ProcessExit())
                    raise
                finally:
                    watching.cancel()
                theirs.close()
                ended.set()
            told = await start.ended()
        if isinstance(told, OSError):
            await output(command.stderr, f"{command.argv[0]}: {told.strerror}\n".encode(errors="replace"))
            told = ProcessExit(exit_code=127 if told.errno == errno.ENOENT else 126)
        on_exit(told)
        return told


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


def visible_devices(terms: Terms) -> dict[str, str]:
    """UUIDs name the same GPU whatever the order; an empty list hides all of them from CUDA."""
    return {"CUDA_VISIBLE_DEVICES": ",".join(device.id for device in terms.devices)}


def measured(answer: Mapping[str, Any], watch: Watching) -> ProcessExit:
    """What the launcher answered and the watch saw."""
    return ProcessExit(
        exit_code=answer.get("exit_code"),
        signal=answer.get("signal"),
        reason=watch.exceeded,
        wall_time_s=answer.get("wall_time_s", 0.0),
        cpu_time_s=max(answer.get("cpu_time_s", 0.0), watch.cpu_time_s),
        peak_memory_bytes=max(answer.get("peak_memory_bytes", 0), watch.peak_memory_bytes),
    )


def of_signal(exit_: ProcessExit) -> Reason | None:
    """The limit that the kernel ends a process for with a signal of its own."""
    if exit_.reason is not None:
        return exit_.reason
    if exit_.signal == signal.SIGXCPU:
        return Reason.CPU_TIME_LIMIT
    return Reason.DISK_LIMIT if exit_.signal == signal.SIGXFSZ else None


def owned(stack: contextlib.ExitStack, fd: int) -> int:
    """The descriptor, closed with the stack."""
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
