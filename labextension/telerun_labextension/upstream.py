"""The queue server in force, and the one client that everything of this Jupyter server goes through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from importlib import metadata

from telerun_magic import connect
from telerun_magic.connect import Connection
from telerun_protocol.client import Client

VERSION = metadata.version("telerun-magic")
KNOWN_S = 1.0  # settings are looked up again after this
RETRY_S = 1.0  # a person waits, and the front end asks again


class Upstream:
    """Settings may change at any time (a login, a local server that comes or goes); the client follows them.

    `on_change` hears of every server that becomes the one in force.
    """

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._turn = asyncio.Lock()
        self._clients: dict[str, Client] = {}  # by URL: requests to a former server may still be under way
        self._connections: dict[str, Connection] = {}
        self._url: str | None = None
        self._looked_at = 0.0

    async def client(self, *, start: bool = False) -> Client:
        """The client for the server in force. Raises NotConfigured, or InvalidMessage for a bad setting.

        `start`: start the user's own server where none is known.
        """
        async with self._turn:
            if start or self._url is None or time.monotonic() - self._looked_at > KNOWN_S:
                former, self._url = self._url, None
                found = await asyncio.to_thread(connect.connection, start=start)
                await self._use(found)
                if found.url != former:
                    self.on_change()
            assert self._url
            return self._clients[self._url]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.__aexit__(None, None, None)
        self._clients.clear()

    async def _use(self, found: Connection) -> None:
        url = found.url
        before = self._connections.get(url)
        self._connections[url] = found
        if before is None or before.ca_file != found.ca_file:

            def token() -> str:  # of this very server, whichever is in force when it is asked for
                return self._connections[url].token()

            client = Client(url, token, ca_file=found.ca_file, retry_s=RETRY_S, user_agent=f"telerun-lab/{VERSION}")
            self._clients[url] = await client.__aenter__()
        self._url = url
        self._looked_at = time.monotonic()
