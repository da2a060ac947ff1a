"""The queue's events for every open tab, over one connection to the queue.

What a tab's websocket gets, as JSON texts:

    {"type": "hello", "url"}                subscribed: nothing is missed from here on; load the list of jobs now
    {"type": "event", "event": Event}       a job changed; Event {id, at, kind, job}, the job as it is after the change
    {"type": "unreachable", "url", "problem": Problem}     told once; it is tried again by itself
    {"type": "connected", "url"}            reachable again; a hello and the events that were missed follow
    {"type": "unconfigured", "problem": Problem}           no server is known; noticed by itself when there is one

A tab that takes its messages too slowly is closed with 4508 and should connect again. Tabs send nothing.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

import aiohttp
from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from telerun_labextension.problems import problem
from telerun_labextension.upstream import Upstream
from telerun_protocol import routes
from telerun_protocol.client import Client
from telerun_protocol.codec import encode
from telerun_protocol.errors import NotConfigured, TelerunError
from telerun_protocol.http_client import server_sent

HELLO = b'{"type":"hello"'
UNSENT_MESSAGES = 200
PATIENCE_S = 3.0  # with a tab that has so many messages before it
TOO_SLOW = 4508
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
LOOK_AGAIN_S = 2.0


class EventHub:
    """Listens to the queue while at least one tab listens to us."""

    def __init__(self, upstream: Upstream, log: logging.Logger) -> None:
        self._upstream = upstream
        self._log = log
        self._tabs: set[EventsHandler] = set()
        self._task: asyncio.Task[None] | None = None
        self._told: bytes | None = None  # what every tab knows, and a new one is to hear: where things stand
        self._wake = asyncio.Event()
        self._response: aiohttp.ClientResponse | None = None
        upstream.on_change = self.reconnect

    def join(self, tab: EventsHandler) -> None:
        self._tabs.add(tab)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="telerun-events")
        elif self._told:
            tab.send(self._told)
            if not self._told.startswith(HELLO):
                self._wake.set()  # somebody is looking: try again at once

    def leave(self, tab: EventsHandler) -> None:
        self._tabs.discard(tab)
        if not self._tabs and self._task:
            self._task.cancel()
            self._task = self._told = None

    async def close(self) -> None:
        task, self._task = self._task, None
        if task:
            task.cancel()
            await asyncio.wait([task])

    def reconnect(self) -> None:
        """Try at once: the server in force may be another one."""
        self._wake.set()
        if self._response:
            self._response.close()

    # ------------------------------------------------------------------------------------------------- listening

    async def _run(self) -> None:
        after: dict[str, int] = {}  # by URL, the last event that was heard
        pause_s = FIRST_PAUSE_S
        while True:
            self._wake.clear()
            url = None
            try:
                client = await self._upstream.client()
                url = client.url
                async with await self._subscribe(client, after.get(url)) as response:
                    pause_s = FIRST_PAUSE_S
                    async for after[url], data in server_sent(response):
                        await self._tell(b'{"type":"event","event":%b}' % data)
            except NotConfigured as error:
                await self._stand({"type": "unconfigured", "problem": problem(error)})
                pause_s = LOOK_AGAIN_S
            except TelerunError as error:
                await self._stand({"type": "unreachable", "url": url, "problem": problem(error)})
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
            except (aiohttp.ClientError, TimeoutError):
                self._log.debug("The stream of events of %s was cut.", url)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def _subscribe(self, client: Client, after: int | None) -> aiohttp.ClientResponse:
        headers = {"Accept": "text/event-stream"} | ({} if after is None else {"Last-Event-ID": str(after)})
        self._response = await client.open("GET", routes.EVENTS, headers=headers)
        if self._told and not self._told.startswith(HELLO):
            self._log.info("The Telerun server %s answers.", client.url)
            await self._tell(encode({"type": "connected", "url": client.url}))
        self._told = encode({"type": "hello", "url": client.url})
        await self._tell(self._told)
        return self._response

    async def _stand(self, message: dict[str, Any]) -> None:
        """Tells a trouble, once."""
        told = encode(message)
        if told == self._told:
            return
        if message["type"] == "unreachable" and (self._told is None or self._told.startswith(HELLO)):
            self._log.warning("%s Trying again.", message["problem"].message)
        self._told = told
        await self._tell(told)

    async def _tell(self, message: bytes) -> None:
        tabs = tuple(self._tabs)
        for tab in tabs:
            tab.send(message)
        for tab in tabs:
            await tab.keep_up()


class EventsHandler(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """One tab. Jupyter's own order of bases."""

    auth_resource = "telerun"

    def initialize(self, hub: EventHub) -> None:
        self._hub = hub
        self._unsent = 0
        self._last: asyncio.Future[None] | None = None

    @ws_authenticated
    @authorized
    async def get(self, *args: Any, **kwargs: Any) -> None:
        await super().get(*args, **kwargs)

    def open(self, *args: Any, **kwargs: Any) -> None:
        super().open(*args, **kwargs)
        self._hub.join(self)

    def on_message(self, message: str | bytes) -> None:
        return

    def on_close(self) -> None:
        self._hub.leave(self)

    def send(self, message: bytes) -> None:
        with suppress(WebSocketClosedError):
            self._last = self.write_message(message)
            self._unsent += 1
            self._last.add_done_callback(self._on_sent)

    async def keep_up(self) -> None:
        """Lets the tab take what it was sent; one that does not has to go, the others are waiting."""
        if self._unsent >= UNSENT_MESSAGES and self._last:
            _, late = await asyncio.wait([self._last], timeout=PATIENCE_S)
            if late:
                self.close(TOO_SLOW, "too slow")
                self._hub.leave(self)

    def _on_sent(self, sent: asyncio.Future[None]) -> None:
        self._unsent -= 1
        if not sent.cancelled():
            sent.exception()  # a tab that has gone is no news
