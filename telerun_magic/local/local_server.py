"""The user's own server and executor in the background: one per user, on the loopback, gone when idle."""

from __future__ import annotations

import importlib.metadata
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import platformdirs
import psutil
from filelock import FileLock, Timeout

from telerun_magic import config
from telerun_protocol.errors import Conflict, InvalidMessage, TelerunError

START_S = 90
STOP_S = 30


class LocalServer(msgspec.Struct, frozen=True, kw_only=True):
    """The state file `local.json`. A pid may be used again by another process; with its start time it is unique."""

    pid: int
    started_at: float
    url: str
    token_file: str
    data: str
    emulates: bool = False  # CUDA on the CPU, for there is no GPU


def state_folder() -> Path:
    return Path(os.environ.get("TELERUN_STATE_DIR") or platformdirs.user_state_dir("telerun")).absolute()


def state_file() -> Path:
    return state_folder() / "local.json"


def data_folder() -> Path:
    return state_folder() / "local"


def process(server: LocalServer) -> psutil.Process | None:
    """Its supervisor, None when that has gone."""
    try:
        found = psutil.Process(server.pid)
        same = abs(found.create_time() - server.started_at) < 1.0 and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return found if same else None


def running() -> LocalServer | None:
    """The local server, if there is one and it takes connections."""
    server = _recorded()
    if server is None or process(server) is None:
        return None
    parts = urlsplit(server.url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=2):
            return server
    except OSError:
        return None


def idle_exit_s() -> int:
    """After how many idle seconds it stops: half an hour, or what TELERUN_IDLE_EXIT_S says."""
    text = os.environ.get("TELERUN_IDLE_EXIT_S") or "1800"
    if not text.isdecimal() or int(text) == 0:
        raise InvalidMessage(f"TELERUN_IDLE_EXIT_S is {text!r}, not a number of seconds.")
    return int(text)


def missing() -> list[str]:
    """Packages of the extras that a local server needs and that are not installed."""
    wanted = importlib.metadata.requires("telerun-magic") or []
    lines = [line for line in wanted if re.search(r"extra == .(server|executor)\b", line)]
    names = dict.fromkeys(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines)
    return [name for name in names if not _is_installed(name)]


def up() -> tuple[LocalServer, bool]:
    """The local server, and whether it had to be started. However many call at once, one is started."""
    config.make_private(state_folder())
    with _only_one():
        if server := running():
            return server, False
        _spawn()
        if server := running():
            return server, True
    raise TelerunError("The local server started, but does not answer.", hint=f"See the logs in {data_folder()}/run.")


def down() -> LocalServer | None:
    """Stops the local server; returns what was stopped, once it is gone."""
    if not state_file().exists():
        return None
    with _only_one():
        server = _recorded()
        supervisor = process(server) if server else None
        if supervisor:
            with suppress(psutil.NoSuchProcess):
                _end(supervisor)
        state_file().unlink(missing_ok=True)
        return server if supervisor else None


def _end(supervisor: psutil.Process) -> None:
    supervisor.send_signal(signal.SIGTERM)
    try:
        supervisor.wait(STOP_S)
    except psutil.TimeoutExpired:
        for one in [*supervisor.children(recursive=True), supervisor]:
            with suppress(psutil.NoSuchProcess):
                one.kill()


@contextmanager
def _only_one() -> Iterator[None]:
    """Nobody else starts or stops the local server meanwhile."""
    lock = FileLock(state_folder() / "local.lock", timeout=START_S)
    try:
        lock.acquire()
    except Timeout:
        raise Conflict("Another process has been starting or stopping the local server for too long.") from None
    try:
        yield
    finally:
        lock.release()


def _recorded() -> LocalServer | None:
    try:
        return msgspec.json.decode(state_file().read_bytes(), type=LocalServer)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _spawn() -> None:
    """Starts the background process and returns when it is ready, or raises what it had to say."""
    reader, writer = os.pipe()
    log = state_folder() / "local.log"
    with os.fdopen(reader, "rb") as ready, log.open("wb") as output:
        try:
            subprocess.run(
                [sys.executable, "-m", "telerun_magic.local.background"],
                env={**os.environ, "TELERUN_READY_FD": str(writer)},
                cwd=state_folder(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[writer],
                check=False,
            )
        finally:
            os.close(writer)
        if ready.read() == b"ready\n":
            return
    lines = log.read_text(errors="replace").strip().splitlines()
    raise TelerunError(
        f"The local server did not start: {lines[0] if lines else 'it said nothing'}",
        hint=f"See {log}.",
        items=tuple(lines[1:]),
    )
