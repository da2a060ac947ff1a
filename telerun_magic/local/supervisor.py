"""Keeps child processes together: they start one after another and end all at once, whatever happens.

What may happen: a signal to us (Ctrl-C, SIGTERM, SIGHUP), our own SIGKILL, or a child's death. Children live in
sessions of their own, so a terminal's Ctrl-C reaches only us and the order of the end is ours. On Linux a child
hears of our death from the kernel (PDEATHSIG), and what a killed child left behind becomes ours (subreaper) and is
ended too.
"""

from __future__ import annotations

import ctypes
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import psutil
from filelock import FileLock, Timeout

from telerun_magic.local.gpu import has_gpu
from telerun_protocol.errors import Conflict, TelerunError

POLL_S = 0.1
GRACE_S, ORPHAN_GRACE_S = 8.0, 1.0
DRAIN_S = 2  # of the grace, what the executor gives running jobs before it hands them back to the queue
START_S = 60.0
TAIL_LINES = 12
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ChildDied(TelerunError):
    """A program that Telerun started has ended."""

    code = "child_died"


class Interrupted(TelerunError):
    """Stopped by a signal while starting."""

    code = "interrupted"


@dataclass(frozen=True, kw_only=True)
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass(frozen=True, kw_only=True)
class Service:
    """A server and an executor that run for us."""

    url: str
    user_token_file: Path
    emulates: bool  # CUDA on the CPU, for there is no GPU


class Supervisor:
    """A context manager; leaving it ends every child. Must be used from the main thread, and once.

    `data` holds everything: `server/` (the server's data), `work/` (jobs at work) and `run/` (logs, tokens of this
    run). One supervisor at a time may use it.
    """

    def __init__(self, data: Path, *, lock_s: float = 0.0) -> None:
        self.data = data.absolute()
        self.run = self.data / "run"
        self.signal: signal.Signals | None = None
        self._children: list[Child] = []
        self._impatient = False
        self._lock = FileLock(self.data / "lock", timeout=lock_s)
        self._handlers: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        try:
            self.run.mkdir(parents=True, exist_ok=True)
            self.run.chmod(0o700)
        except OSError as error:
            raise TelerunError(f"{self.run} cannot be used: {error.strerror}.") from error
        try:
            self._lock.acquire()
        except Timeout:
            raise Conflict(
                f"Another Telerun is using {self.data}.", hint="Stop it, or give this one a folder of its own: --data."
            ) from None
        if _libc:
            _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup is meant
                self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._stop()
        finally:
            for token in self.run.glob("*.token"):
                token.unlink(missing_ok=True)
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._lock.release()

    # ------------------------------------------------------------------------------------------------- starting

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str], pass_fds: Sequence[int] = ()) -> Child:
        """Starts a program; what it prints goes to `run/<name>.log`."""
        log = self.run / f"{name}.log"
        parent = os.getpid()

        def before_exec() -> None:
            os.setsid()
            if _libc:
                _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
                if os.getppid() != parent:  # we died in between: the signal will never come
                    os._exit(1)

        with log.open("wb") as output:
            process = subprocess.Popen(
                argv,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=pass_fds,
                preexec_fn=before_exec,  # noqa: PLW1509 - we have one thread, and nothing else can set PDEATHSIG
            )
        child = Child(name=name, process=process, log=log)
        self._children.append(child)
        return child

    def start_service(
        self, *, slots: int | None = None, compile_slots: int | None = None, idle_exit_s: int | None = None
    ) -> Service:
        """A server on a free port of the loopback, with accounts for this run, and one executor for it.

        Programs that need a GPU wait for one of their own; so that others do not wait for them, there are some slots.
        On a machine without a GPU they are emulated.
        """
        slots = slots or max(2, (os.cpu_count() or 1) // 2)
        python = [sys.executable, "-m"]
        emulates = not has_gpu()
        options = {"--idle-exit": idle_exit_s, "--emulation": "allow" if emulates else None}
        env = {name: value for name, value in os.environ.items() if not name.startswith("TELERUN_")}
        reader, writer = os.pipe()
        try:
            self.start(
                "server",
                [
                    *(*python, "telerun_server", "run", "--port", "0"),
                    *("--data", str(self.data / "server"), "--accounts-for-run", str(self.run)),
                    *_given(options),
                ],
                {**env, "TELERUN_READY_FD": str(writer)},
                pass_fds=[writer],
            )
        finally:
            os.close(writer)  # else a dead server never reads as the end of the pipe
        with os.fdopen(reader, "rb") as pipe:
            os.set_blocking(reader, False)
            told = bytearray()

            def has_told() -> bool:
                told.extend(pipe.read() or b"")
                return told.endswith(b"\n")

            self.wait_until(has_told, "the server listens")
        url = told.decode().strip()
        self.start(
            "executor",
            [
                *(*python, "telerun_executor", "run", "--server", url),
                *("--token-file", str(self.run / "executor.token"), "--work-dir", str(self.data / "work")),
                *("--require-isolation", "none"),  # one's own programs, in the best sandbox that there is
                *_given({"--drain": DRAIN_S, "--slots": slots, "--compile-slots": compile_slots}),
            ],
            env,
        )
        return Service(url=url, user_token_file=self.run / "user.token", emulates=emulates)

    # -------------------------------------------------------------------------------------------------- waiting

    def wait(self) -> Child | None:
        """Until a signal came (None) or a child ended (that child)."""
        while self.signal is None:
            for child in self._children:
                if child.process.poll() is not None:
                    return child
            if _libc:
                self._reap_orphans()
            time.sleep(POLL_S)
        return None

    def wait_until(self, ready: Callable[[], bool], what: str, *, within_s: float = START_S) -> None:
        """Until `ready()`. Raises ChildDied or Interrupted when that will not come."""
        end = time.monotonic() + within_s
        while not ready():
            for child in self._children:
                if child.process.poll() is not None:
                    raise died(child)
            if self.signal is not None:
                raise Interrupted
            if time.monotonic() > end:
                raise ChildDied(f"Waited {within_s:.0f} s in vain until {what}.", hint=f"See the logs in {self.run}.")
            time.sleep(POLL_S / 4)

    def run_to_end(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> int:
        """Starts a program and returns its exit code; the others are watched meanwhile."""
        child = self.start(name, argv, env)
        self._children.remove(child)  # its end is no accident
        try:
            self.wait_until(lambda: child.process.poll() is not None, f"{name} ended", within_s=math.inf)
        except TelerunError:
            self._children.append(child)
            raise
        return child.process.returncode

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._impatient = self.signal is not None  # the second one cuts the grace short
        self.signal = signal.Signals(number)

    # -------------------------------------------------------------------------------------------------- the end

    def _stop(self) -> None:
        """Ends the children in the reverse order of their start, each with a grace, then whatever they left."""
        for child in reversed(self._children):
            if child.process.poll() is None:
                child.process.terminate()
            self._await_end(child.process)
            if child.process.poll() is None:
                child.process.kill()
                child.process.wait()
        if _libc:
            self._end_orphans()

    def _await_end(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + GRACE_S
        while process.poll() is None and time.monotonic() < end and not self._impatient:
            time.sleep(POLL_S / 4)

    def _reap_orphans(self) -> None:
        """What others left behind and has ended since must not stay as a zombie."""
        ours = [child.process.pid for child in self._children]
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in ours:  # its own wait() is to learn how it ended
                return
            os.waitpid(ended.si_pid, 0)

    def _end_orphans(self) -> None:
        """As a subreaper we are the parent of what dead children left; a kernel gets a moment to go by itself."""
        began = time.monotonic()
        while (orphans := psutil.Process().children(recursive=True)) and time.monotonic() - began < GRACE_S:
            if self._impatient or time.monotonic() - began > ORPHAN_GRACE_S:
                for orphan in orphans:
                    with suppress(psutil.Error):  # it has gone meanwhile
                        orphan.kill()
            psutil.wait_procs(orphans, timeout=POLL_S)


def _given(options: Mapping[str, object]) -> list[str]:
    return [word for name, value in options.items() if value is not None for word in (name, str(value))]


def died(child: Child) -> ChildDied:
    """The error that tells which child ended, how, and what it said last."""
    code = child.process.returncode
    how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
    with child.log.open("rb") as log:
        log.seek(max(0, child.log.stat().st_size - 16_384))
        tail = log.read().decode(errors="replace").splitlines()[-TAIL_LINES:]
    return ChildDied(f"The {child.name} ended ({how}).", hint=f"Its log is {child.log}.", items=tuple(tail))
