"""One server process: what it is made of, how it starts, and how it stops."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket

from filelock import FileLock, Timeout
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from telerun_protocol.errors import Conflict, InvalidMessage, ServerFailed
from telerun_server.accounts import Accounts
from telerun_server.app import application
from telerun_server.blobs import FolderBlobs
from telerun_server.config import Config
from telerun_server.files import Files
from telerun_server.handlers.parts import Parts, Requests
from telerun_server.logs import Logs
from telerun_server.maintenance import purge_for_ever, watch_leases
from telerun_server.metrics import Metrics
from telerun_server.queue import Queue
from telerun_server.store.sqlite import SqliteStore
from telerun_server.wakeups import Wakeups

log = logging.getLogger(__name__)
DRAIN_S = 3.0
BACKLOG = 1024
CHUNK_BYTES = 1 << 18
UNBOUNDED = 1 << 62  # each handler bounds its own body


@dataclass(frozen=True, kw_only=True)
class Settings:
    data: Path
    host: str = "127.0.0.1"
    port: int = 8650
    tls_cert: Path | None = None
    tls_key: Path | None = None
    config: Config = field(default_factory=Config)


def database_path(data: Path) -> Path:
    return data / "telerun.sqlite3"


def make_data_folder(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidMessage(f"The data folder {data} cannot be made: {error.strerror}.") from error


@dataclass(frozen=True, kw_only=True)
class Server:
    """A listening server."""

    parts: Parts
    http: HTTPServer
    url: str

    async def until_idle(self, idle_s: float) -> None:
        """Returns when for that long no job was unfinished and no user asked for anything."""
        requests = self.parts.requests
        while True:
            await asyncio.sleep(min(1.0, idle_s / 4))
            try:
                unfinished = await self.parts.store.has_unfinished()
            except ServerFailed as error:  # whoever asks is told so; it may have room again later
                log.error("whether jobs are unfinished is not known: %s", error)
                unfinished = True
            if requests.open_of_users or unfinished:
                requests.user_at = time.monotonic()
            elif time.monotonic() - requests.user_at >= idle_s:
                return

    async def stop(self) -> None:
        """Takes no more connections, answers who waits, breaks off followers, and gives the rest a moment."""
        self.http.stop()
        self.parts.queue.stop()
        deadline = time.monotonic() + DRAIN_S
        while self.parts.requests.open and time.monotonic() < deadline:  # noqa: ASYNC110 - a moment, once
            await asyncio.sleep(0.01)
        await self.http.close_all_connections()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Server]:
    """Serves while the context is open. Raises Conflict when another server uses the data folder."""
    make_data_folder(settings.data)
    context = tls(settings)
    config = settings.config
    with locked(settings.data):
        store = await SqliteStore.open(database_path(settings.data))
        wakeups = Wakeups()
        metrics = Metrics()
        logs = Logs(settings.data / "logs", wakeups)
        queue = Queue(store, logs, wakeups, config, metrics)
        files = Files(store, FolderBlobs(settings.data / "blobs"))
        try:
            await queue.load()
            parts = Parts(
                config=config,
                store=store,
                accounts=Accounts(store),
                queue=queue,
                files=files,
                logs=logs,
                wakeups=wakeups,
                metrics=metrics,
                requests=Requests(),
            )
            http = HTTPServer(application(parts), ssl_options=context, chunk_size=CHUNK_BYTES, max_body_size=UNBOUNDED)
            sockets = bound(settings.host, settings.port)
            http.add_sockets(sockets)
            host = f"[{settings.host}]" if ":" in settings.host else settings.host
            url = f"{'https' if context else 'http'}://{host}:{sockets[0].getsockname()[1]}"
            server = Server(parts=parts, http=http, url=url)
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(watch_leases(queue, config)),
                    group.create_task(purge_for_ever(store, queue, files, logs, config)),
                ]
                try:
                    yield server
                finally:
                    for task in tasks:
                        task.cancel()
                    await server.stop()
        finally:
            logs.close()
            await store.close()


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """No other server uses the data folder meanwhile. Raises Conflict when one does."""
    lock = FileLock(data / "server.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Conflict(
            f"Another server uses the data folder {data}.", hint="Stop it, or give this one another --data."
        ) from None
    except OSError as error:
        raise InvalidMessage(f"The data folder {data} cannot be written: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()


def bound(host: str, port: int) -> list[socket]:
    try:
        return bind_sockets(port, host, backlog=BACKLOG)
    except OSError as error:
        raise InvalidMessage(
            f"Cannot listen on {host} port {port}: {error.strerror or error}.",
            hint="Choose another --port, or 0 for a free one.",
        ) from error


def tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except ssl.SSLError as error:
        raise InvalidMessage(
            f"The certificate {settings.tls_cert} cannot be used: {error.reason or 'it is not one'}.",
            hint="It is a PEM file with its chain; the key is in it or in --tls-key.",
        ) from error
    except OSError as error:
        where = settings.tls_key if settings.tls_cert.is_file() else settings.tls_cert
        raise InvalidMessage(f"{where} cannot be read: {error.strerror}.") from error
    return context
