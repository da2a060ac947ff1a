"""Every change of the asker's jobs, as server-sent events."""

from __future__ import annotations

from typing import ClassVar

from tornado.iostream import StreamClosedError

from telerun_protocol.codec import encode
from telerun_protocol.errors import InvalidMessage
from telerun_server.handlers.base import USERS, Handler

SILENCE_S = 15.0


class EventsHandler(Handler):
    allowed: ClassVar = {"GET": USERS}
    waits = True
    is_use = False  # a panel listens as long as its page is open, whether or not anybody looks at it

    async def get(self) -> None:
        after, usage_seen = await self._after(), 0
        self.set_header("Content-Type", "text/event-stream")
        self.connection.stream.set_nodelay(True)
        with self.parts.wakeups.listening(self.waiter, ("events", self.principal.name)):
            try:
                await self.flush()
                while not self.waiter.gone:
                    self.waiter.clear()
                    events = await self.parts.queue.events(self.principal, after)
                    after = events[-1].id if events else after
                    usage, usage_seen = await self.parts.queue.usage_events(self.principal, after, usage_seen)
                    events += usage
                    for event in events:
                        self.write(b"id: %d\ndata: %b\n\n" % (event.id, encode(event)))
                    if events:
                        await self.flush()
                    elif self.parts.queue.stopping:
                        self.abort()
                        return
                    elif not await self.waiter.wait(SILENCE_S):
                        self.write(b": nothing new\n\n")
                        await self.flush()
            except StreamClosedError:
                return

    async def _after(self) -> int:
        """Where to go on: after the last event that the client has seen, or from now on."""
        text = self.request.headers.get("Last-Event-ID") or self.get_query_argument("after", None)
        if text is None:
            return await self.parts.store.last_event_id()
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise InvalidMessage("Last-Event-ID: expected the id of an event.", path="after")
        return int(text)
