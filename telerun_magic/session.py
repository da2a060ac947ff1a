"""A connection in use: one client, one stream of events, and what is known of each job that somebody looks at."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from telerun_magic import io_thread
from telerun_magic.connect import Connection, connection
from telerun_protocol.client import Client
from telerun_protocol.errors import Forbidden, InvalidMessage, NotFound, ServerUnreachable, TelerunError, Unauthorized
from telerun_protocol.logframes import MAX_STREAM, Frame
from telerun_protocol.messages import Job

FIRST_ANSWER_S = 4.0  # how long a new server may keep us waiting before we say that it does not answer
FIRST_LOOK_S = 0.05
RARE_LOOK_S = 5.0
EVENTS_AGAIN_S = 5.0
SILENCE_S = 2.0  # until a person is told what we wait for

T = TypeVar("T")


class Bell:
    """Counts changes. Threads and event loops wait for the next one by the same future."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0
        self._next = self._new()

    @staticmethod
    def _new() -> Future[int]:
        future: Future[int] = Future()
        future.set_running_or_notify_cancel()  # shared: no waiter can cancel it for the others
        return future

    def ring(self) -> None:
        with self._lock:
            self.count += 1
            rung, self._next = self._next, self._new()
        rung.set_result(self.count)

    def after(self, seen: int) -> Future[int]:
        """A future that is done as soon as the count is no longer `seen`."""
        with self._lock:
            if self.count == seen:
                return self._next
        future = self._new()
        future.set_result(self.count)
        return future


class Feed:
    """What is known of one job, as it grows: written on the io thread, read from any."""

    def __init__(self, session: Session, info: Job) -> None:
        self.session = session
        self.info = info
        self.frames: list[Frame] = []
        self.payloads: tuple[list[bytes], ...] = tuple([] for _ in range(MAX_STREAM + 1))  # of `frames`, by stream
        self.log_complete = False
        self.error: BaseException | None = None
        self.bell = Bell()
        self.heard_at = time.monotonic()
        self.clock_ahead_s = 0.0  # the server's clock against ours
        self._offset = 0
        self._reading = asyncio.Lock()
        self.follows = False

    @property
    def is_final(self) -> bool:
        return self.info.state.is_final

    def update(self, info: Job) -> None:
        """Takes a newer state; what is final stays so, whichever answer comes last."""
        self.heard_at = time.monotonic()
        if info != self.info and not (self.is_final and not info.state.is_final):
            self.info = info
            self.bell.ring()

    def watch(self) -> None:
        """Learns of every change of the state from now on."""
        if not self.is_final:
            self._begin(self._look())

    def again(self) -> None:
        """Forgets an error and goes on looking: whoever asks once more may have mended what was broken."""
        if self.error:
            self.error = None
            self.watch()

    def follow(self) -> None:
        """Reads the log to its end from now on."""
        if not self.follows:
            self.follows = True
            self._begin(self._follow())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        io_thread.start(work).add_done_callback(self._ended)

    def _ended(self, work: Future[None]) -> None:
        """Keeps what went wrong for whoever waits."""
        if not work.cancelled() and (error := work.exception()):
            self.error = error
        self.bell.ring()

    def wait_for(self, ready: Callable[[], bool], timeout: float | None = None) -> None:
        """Blocks the caller's thread until `ready`, asked again after each change."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            seen = self.bell.count
            if ready():
                return
            if self.error:
                raise self.error
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"job {self.info.number} is still {self.info.state} after {timeout:g} s")
            with suppress(TimeoutError):
                io_thread.wait(self.bell.after(seen), left)

    async def until(self, ready: Callable[[], bool]) -> None:
        """The same in the caller's event loop, waking often: an idle kernel's loop does not notice an interrupt."""
        while True:
            seen = self.bell.count
            if ready():
                return
            if self.error:
                raise self.error
            await asyncio.wait([asyncio.wrap_future(self.bell.after(seen))], timeout=io_thread.WAKE_S)

    async def _follow(self) -> None:
        try:
            while not self.log_complete:
                was_final = self.is_final
                await self.read_log(follow=True)
                if not self.is_final:  # its event may still be on the way
                    self.update(await self.session.client.job(self.info.id))
                self.log_complete = was_final or self.is_final
        finally:
            self.follows = self.log_complete

    async def read_log(self, *, follow: bool = False) -> None:
        """Appends what the log has beyond what was read; with `follow`, until the job ends."""
        async with self._reading:
            log = self.session.client.log_with_offsets(self.info.id, offset=self._offset, follow=follow)
            async for offset, frame in log:
                self._offset = offset
                self.payloads[frame.stream].append(frame.payload)
                self.frames.append(frame)
                self.heard_at = time.monotonic()
                self.bell.ring()

    async def _look(self) -> None:
        """Asks for the state where events tell nothing: before their stream stands, and while it is broken."""
        pause = FIRST_LOOK_S
        while not self.is_final:
            await asyncio.sleep(pause)
            if time.monotonic() - self.heard_at >= pause and not self.is_final:
                self.update(await self.session.client.job(self.info.id))
            rare = max(RARE_LOOK_S, len(self.session.feeds) / 20)
            pause = rare if self.session.has_events else min(2 * pause, rare)


class Session:
    """Belongs to the io thread."""

    def __init__(self, link: Connection) -> None:
        self.link = link
        self.pid = os.getpid()
        self.client = Client(link.url, self._token, ca_file=link.ca_file, on_retry=self._on_retry)
        self.feeds: WeakValueDictionary[str, Feed] = WeakValueDictionary()
        self.has_events = False
        self.trouble: str | None = None  # why we are waiting for the server, while we are
        self._troubled_at = 0.0
        self.open = asyncio.Event()

    def _token(self) -> str:
        return self.link.token()

    def watch(self, info: Job) -> Feed:
        """The feed of a job, the one that is there already where somebody looks at it."""
        if feed := self.feeds.get(info.id):
            feed.update(info)
            return feed
        feed = self.feeds[info.id] = Feed(self, info)
        feed.watch()
        return feed

    async def find(self, job: str) -> Feed:
        """The feed of a job by its id or number."""
        try:
            return self.watch(await self.client.job(job))
        except NotFound as error:
            raise NotFound(f"There is no job {job} of yours here.", hint="%telerun_status lists them.") from error

    async def try_out(self) -> None:
        """Speaks to the server for the first time, and only for a moment: a wrong address is told at once."""
        link = self.link
        try:
            async with (
                asyncio.timeout(2 * FIRST_ANSWER_S),
                Client(link.url, link.token, ca_file=link.ca_file, retry_s=FIRST_ANSWER_S) as client,
            ):
                await client.me()
        except TimeoutError as error:
            raise ServerUnreachable(f"The Telerun server at {link.url} does not answer.") from error

    async def run(self) -> None:
        """Keeps the client open and hands out its events, until the process ends."""
        async with self.client:
            self.open.set()
            while True:
                with suppress(TelerunError):  # each job is still looked at by itself, and tells its own error
                    async for event in self.client.events():
                        self.has_events = True
                        if feed := self.feeds.get(event.job.id):
                            feed.update(event.job)
                self.has_events = False
                await asyncio.sleep(EVENTS_AGAIN_S)

    def _on_retry(self, error: TelerunError) -> None:
        self.trouble, self._troubled_at = error.message, time.monotonic()
        for feed in list(self.feeds.values()):
            feed.bell.ring()

    def trouble_since(self, heard_at: float) -> str | None:
        """What keeps us from the server, unless it was heard of since."""
        return self.trouble if self.trouble and self._troubled_at > heard_at else None


_sessions: dict[tuple[str, str, int], Session] = {}


def connected(tell: Callable[[str], None] = print) -> Session:
    """The session with the server in force; `tell` hears one line when a local server was started for it."""
    link = connection()
    if link.started:
        tell(link.started)
    return io_thread.call(_session_with(link))


def ask(current: Session, work: Coroutine[Any, Any, T]) -> T:
    """Runs `work` and waits for it; whatever ends the waiting ends the work."""
    future = io_thread.start(work)
    try:
        return wait(current, future)
    except BaseException:
        future.cancel()
        raise


def wait(current: Session, future: Future[T], tell: Callable[[str], None] = print) -> T:
    """The future's result. `tell` hears why there is none yet, where the server does not answer."""
    began, told = time.monotonic(), False
    while True:
        try:
            return io_thread.wait(future, SILENCE_S)
        except TimeoutError:
            if future.done():
                raise
        if not told and (trouble := current.trouble_since(began)):
            tell(f"{trouble} Trying again for a while; an interrupt ends that.")
            told = True


async def _session_with(link: Connection) -> Session:
    key = (link.url, str(link.ca_file), os.getpid())
    if key not in _sessions:
        try:
            session = Session(link)
            await session.try_out()
        except ServerUnreachable as error:
            raise ServerUnreachable(
                error.message, hint="Is the address right? %telerun_login URL changes it; telerun up starts your own."
            ) from error
        except (Unauthorized, Forbidden) as error:
            raise type(error)(
                f"The server at {link.url} refused the token: {error.message}",
                hint="Get a new one and store it with %telerun_login.",
            ) from error
        except OSError as error:
            raise InvalidMessage(f"The CA file {link.ca_file} cannot be used: {error}.") from error
        if key not in _sessions:  # somebody else may have been faster
            _sessions[key] = session
            io_thread.start(session.run())
    session = _sessions[key]
    session.link = link
    await session.open.wait()
    return session
