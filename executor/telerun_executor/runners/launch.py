"""The executor's side of `launcher.c`: starts launchers, gives them commands, keeps idle ones for the next command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import socket
import struct
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from telerun_executor.runners import native
from telerun_protocol.errors import SandboxError

SOURCE = Path(__file__).with_name("launcher") / "launcher.c"
UNKILLABLE_AFTER_S = 5.0  # as it says
EXIT_WITHIN_S = UNKILLABLE_AFTER_S + 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One command for a launcher. `launcher.c` says what the last six are for."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    rlimits: Mapping[str, tuple[int, int]]
    cgroups: Sequence[str] = ()
    born_in: str = ""
    kill: Sequence[str] = ()
    user: int | None = None
    network: bool = True
    wrappers: int = 0

    def words(self) -> bytes:
        return words(
            ("run", self.cwd, str(-1 if self.user is None else self.user)),
            (str(int(self.network)), self.born_in, str(self.wrappers)),
            _list(self.cgroups),
            _list(self.kill),
            _list(f"{getattr(resource, name)} {soft} {hard}" for name, (soft, hard) in self.rlimits.items()),
            _list(self.argv),
            _list(f"{key}={value}" for key, value in self.env.items()),
        )


def words(*parts: Iterable[str]) -> bytes:
    """As our programs in C read them: a zero byte ends each."""
    return b"".join(os.fsencode(word) + b"\0" for part in parts for word in part)


def _list(of: Iterable[str]) -> tuple[str, ...]:
    of = tuple(of)
    return (str(len(of)), *of)


def _message(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


class Launcher:
    """One launcher process; it runs one command at a time."""

    def __init__(
        self, process: asyncio.subprocess.Process, control: socket.socket, reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter, record: Path,
    ) -> None:  # fmt: skip
        self._child = process
        self._control = control
        self._reader = reader
        self._writer = writer
        self._record = record
        self.answer: dict[str, Any] = {}  # how the latest command ended, also where its caller was cancelled
        self.is_busy = False  # with a command
        self.process = psutil.Process(process.pid)

    @classmethod
    async def start(cls, program: Path, records: Path, *options: str) -> Launcher:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                str(program), str(theirs.fileno()), *options,
                pass_fds=(theirs.fileno(),), env={}, cwd="/", start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        record = records / str(process.pid)
        record.write_text(repr(psutil.Process(process.pid).create_time()))
        ours.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        return cls(process, ours, reader, writer, record)

    def begin(self, request: Request, fds: Sequence[int]) -> None:
        """Starts a command, which `wait` sees to its end. The descriptors may be closed when this returns."""
        message = _message(request.words())
        try:
            socket.send_fds(self._control, [message[:1]], list(fds))
        except ConnectionError:
            raise SandboxError("The process that starts this executor's commands is gone.") from None
        self._writer.write(message[1:])
        self.answer, self.is_busy = {}, True

    async def wait(self, grace_s: float) -> None:
        """Until the command has ended; `answer` then says how.

        On cancellation the command is asked to end, is killed after `grace_s`, and CancelledError leaves when nothing
        of it is alive; a second cancellation does without the rest of the grace.
        """
        try:
            await self._answer()
        except asyncio.CancelledError:
            await self._wind_down(grace_s)
            raise

    async def stop(self) -> None:
        """Ends the command that still runs, if one does; whether that succeeded has to be seen elsewhere."""
        if self.is_busy:
            with contextlib.suppress(SandboxError):
                await self._wind_down(0.0)

    async def _wind_down(self, grace_s: float) -> None:
        while True:
            self.end(grace_s)
            try:
                async with asyncio.timeout(grace_s + EXIT_WITHIN_S):
                    await self._answer()
                return
            except asyncio.CancelledError:
                grace_s = 0.0
            except TimeoutError as error:
                raise SandboxError("The command could not be ended: its launcher does not answer.") from error

    @property
    def is_alive(self) -> bool:
        return self._child.returncode is None

    def end(self, grace_s: float) -> None:
        """Ends the command that runs: at once, or with SIGTERM first."""
        self._writer.write(_message(words(("end", str(round(grace_s * 1000))))))

    async def _answer(self) -> None:
        try:
            line = await self._reader.readline()
        except ConnectionError:
            line = b""
        if not line:
            raise SandboxError("The process that starts this executor's commands ended unexpectedly.")
        answer: dict[str, Any] = json.loads(line)
        self.is_busy = False
        if "stuck" in answer:
            raise SandboxError(f"The command could not be ended: {answer['stuck']}.")
        self.answer = answer

    async def close(self) -> None:
        """Ends the launcher with everything it still runs."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
        try:
            async with asyncio.timeout(EXIT_WITHIN_S):
                await self._child.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()
            await self._child.wait()
        self._record.unlink(missing_ok=True)


class Launchers:
    """The launchers of one executor: as many as commands run at once, kept for the next command."""

    def __init__(self, records: Path, program: Path, *, alone: bool = False) -> None:
        """`records` is a folder in which they are noted, `program` the file that becomes theirs.

        With `alone`, a command has the machine's network only if its request says so.
        """
        self._records = records
        self._program = program
        self._options = ("alone",) if alone else ()
        self._is_built = False
        self._building = asyncio.Lock()
        self._idle: list[Launcher] = []

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncIterator[Launcher]:
        """A launcher with nothing to do; it is kept for others unless it proved faulty."""
        launcher = await self._take()
        try:
            yield launcher
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                self._idle.append(launcher)
            else:
                await launcher.close()
            raise
        self._idle.append(launcher)

    async def fill(self, count: int) -> None:
        """Starts launchers for the first commands."""
        while len(self._idle) < count:
            self._idle.append(await self._start())

    async def _take(self) -> Launcher:
        while self._idle:
            launcher = self._idle.pop()
            if launcher.is_alive:
                return launcher
            await launcher.close()
        return await self._start()

    async def _start(self) -> Launcher:
        async with self._building:
            if not self._is_built:
                self._records.mkdir(parents=True, exist_ok=True)
                await native.build(SOURCE, self._program)
                self._is_built = True
        return await Launcher.start(self._program, self._records, *self._options)

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()


def end_leftovers(records: Path) -> int:
    """Kills what the launchers of a dead executor left, and returns how many processes that were."""
    ended = 0
    for record in records.glob("*"):
        with contextlib.suppress(psutil.NoSuchProcess, ValueError):
            process = psutil.Process(int(record.name))
            if abs(process.create_time() - float(record.read_text())) < 1.0:  # else the number was given anew
                family = [process, *process.children(recursive=True)]
                for member in family:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        member.kill()
                psutil.wait_procs(family, timeout=UNKILLABLE_AFTER_S)
                ended += len(family)
        record.unlink(missing_ok=True)
    return ended
