"""What the Jupyter server loads: the handlers, and what they share while it runs."""

from __future__ import annotations

from jupyter_server.extension.application import ExtensionApp

from telerun_labextension.events import EventHub, EventsHandler
from telerun_labextension.handlers import ROUTES
from telerun_labextension.upstream import Upstream

API = "/telerun/api/"


class TelerunApp(ExtensionApp):
    """Finds the queue server as the magics do, but never starts one unasked. Nothing runs until a browser asks."""

    name = "telerun_labextension"
    load_other_extensions = True

    def initialize_handlers(self) -> None:
        self.upstream = Upstream()
        self.hub = EventHub(self.upstream, self.log)
        self.handlers.extend((API + pattern, handler, {"upstream": self.upstream}) for pattern, handler in ROUTES)
        self.handlers.append((API + "events", EventsHandler, {"hub": self.hub}))

    async def stop_extension(self) -> None:
        await self.hub.close()
        await self.upstream.close()
