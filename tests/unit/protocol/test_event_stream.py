"""Events that are long, arrive in pieces, and go on after a cut."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.test_utils import TestServer

from telerun_protocol.client import Client
from telerun_protocol.codec import encode
from telerun_protocol.messages import Event, Job, JobSpec
from telerun_protocol.states import Language, State


def event(number: int, size: int = 1) -> bytes:
    spec = JobSpec(language=Language.COMMAND, args=("echo", *["x" * 50_000] * size))
    job = Job(id="j", number=1, owner="ada", state=State.QUEUED, spec=spec, created_at=0.0)
    return b"id: %d\ndata: %b\n\n" % (number, encode(Event(id=number, at=0.0, kind="queued", job=job)))


async def test_long_events_arrive_whole_and_a_cut_stream_goes_on_where_it_ended() -> None:
    asked: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Last-Event-ID"))
        response = web.StreamResponse()
        await response.prepare(request)
        if len(asked) == 1:
            await response.write(b": nothing new\n\n" + event(1) + event(2, size=20))
            await response.write(event(3)[:30])
            assert request.transport
            request.transport.close()
        else:
            await response.write(event(3))
            await asyncio.sleep(60)
        return response

    app = web.Application()
    app.router.add_get("/api/v1/events", handler)
    async with TestServer(app) as server, Client(str(server.make_url("/"))) as client:
        heard = []
        async for one in client.events():
            heard.append(one)
            if one.id == 3:
                break
        assert [one.id for one in heard] == [1, 2, 3]
        assert len(heard[1].job.spec.args) == 21
        assert asked == [None, "2"]
