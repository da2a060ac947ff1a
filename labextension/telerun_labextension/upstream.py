"""The queue server in force, and the one client that everything of this Jupyter server goes through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from telerun_magic import config, connect
from telerun_magic.connect import Connection
from telerun_protocol.client import Client
from telerun_protocol.errors import NotConfigured

VERSION = metadata.version("telerun-magic")
KNOWN_S = 1.0  # settings are looked up again after this
RETRY_S = 1.0  # a person waits, and the front end asks again

Place = tuple[str, Path | None]  # URL and CA file


class Upstream:
    """Settings may change at any time (a login, a local server that comes or goes); the client follows them.

    `on_change` hears of every server that becomes the one in force.
    """

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._turn = asyncio.Lock()
        self._clients: dict[Place, Client] = {}  # requests to a former server may still be under way
        self._connections: dict[Place, Connection] = {}
        self._place: Place | None = None
        self._looked_at = 0.0
        self._chosen: str | None = None

    @property
    def chosen(self) -> str | None:
        """The server that a person chose for the panel alone, None for the one that cells use."""
        return self._chosen

    async def choose(self, url: str | None) -> None:
        """From now on this one. Raises NotConfigured for one without a login: no token goes where a page says."""
        chosen = config.server_url(url) if url else None
        if chosen and chosen not in await asyncio.to_thread(config.credentials):
            raise NotConfigured(f"No token is known for {chosen}.", hint=f"Log in: telerun login {chosen}")
        async with self._turn:
            self._chosen, self._looked_at = chosen, 0.0

    async def client(self, *, start: bool = False) -> Client:
        """The client for the server in force. Raises NotConfigured, or InvalidMessage for a bad setting.

        `start`: start the user's own server where none is known.
        """
        async with self._turn:
            if start or self._place is None or not self._looked_at or time.monotonic() - self._looked_at > KNOWN_S:
                former, self._place = self._place, None
                found = await asyncio.to_thread(connect.connection, start=start, url=self._chosen)
                place = (found.url, found.ca_file)
                self._connections[place] = found
                if place not in self._clients:
                    self._clients[place] = await self._made(place)
                self._place, self._looked_at = place, time.monotonic()
                if place != former:
                    self.on_change()
            return self._clients[self._place]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.__aexit__(None, None, None)
        self._clients.clear()

    async def _made(self, place: Place) -> Client:
        def token() -> str:  # of this very server, whichever is in force when it is asked for
            return self._connections[place].token()

        url, ca_file = place
        client = Client(url, token, ca_file=ca_file, retry_s=RETRY_S, user_agent=f"telerun-lab/{VERSION}")
        return await client.__aenter__()
