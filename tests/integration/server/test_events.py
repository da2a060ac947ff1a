"""The stream of changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from telerun_protocol.client import Client
from telerun_protocol.messages import Event
from telerun_protocol.states import Phase, State

from .conftest import Executor, World, submit


async def take(events: AsyncIterator[Event], count: int) -> list[Event]:
    async with asyncio.timeout(20):
        return [await anext(events) for _ in range(count)]


async def test_every_change_of_the_askers_jobs(ada: Client, bob: Client, box: Executor) -> None:
    job = await submit(ada)
    await submit(bob)
    claim = (await box.claim(max_jobs=1))[0]
    assert claim.job_id == job.id
    await box.phase(claim, Phase.RUN)
    await ada.cancel(job.id)
    await box.finish(claim)
    events = await take(ada.events(after=0), 5)
    assert [event.kind for event in events] == ["queued", "claimed", "phase", "cancel_requested", "succeeded"]
    states = [State.QUEUED, State.CLAIMED, State.RUNNING, State.RUNNING, State.SUCCEEDED]
    assert [event.job.state for event in events] == states
    assert {event.job.id for event in events} == {job.id}
    assert [event.job.result is None for event in events] == [True] * 4 + [False]
    assert [event.id for event in events] == sorted(event.id for event in events)
    assert [event.kind for event in await take(ada.events(after=events[2].id), 2)] == ["cancel_requested", "succeeded"]
    assert [event.kind for event in await take(bob.events(after=0), 1)] == ["queued"]


async def test_without_an_id_it_starts_now(world: World, ada: Client) -> None:
    await submit(ada)
    events = ada.events()
    first = asyncio.ensure_future(anext(events))
    await world.listening("events", 1)
    assert not first.done()
    later = await submit(ada)
    async with asyncio.timeout(10):
        event = await first
    assert (event.kind, event.job.id) == ("queued", later.id)
