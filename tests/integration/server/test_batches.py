"""Many jobs submitted in one request: each is queued or refused by itself, and again is as once."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import aiohttp
import pytest

from telerun_protocol import routes
from telerun_protocol.client import Client, file_ref
from telerun_protocol.errors import InvalidMessage, MissingBlobs, TooLarge, TooManyRequests
from telerun_protocol.messages import MOST_AT_ONCE, FileRef, Job, Limits, Submit
from telerun_protocol.states import Language
from telerun_server.config import Config

from .conftest import Executor, World, Worlds, spec


def wanted(**changes: Any) -> Submit:
    return Submit(spec=spec(**changes), idempotency_key=uuid.uuid4().hex)


async def posts(world: World) -> int:
    """How many requests the server has answered so far, this one not counted."""
    async with aiohttp.ClientSession() as session, session.get(world.url + routes.METRICS) as response:
        (line,) = [
            x for x in (await response.text()).splitlines() if x.startswith('telerun_http_requests_total{status="2')
        ]
    return int(float(line.split()[-1]))


async def test_one_request_queues_many_jobs_in_order(ada: Client, box: Executor) -> None:
    answers = await ada.submit_batch([wanted(name=f"n{number}") for number in range(MOST_AT_ONCE)])
    jobs = [answer for answer in answers if isinstance(answer, Job)]
    assert [(job.number, job.spec.name, job.owner) for job in jobs] == [
        (number + 1, f"n{number}", "ada") for number in range(MOST_AT_ONCE)
    ]
    assert jobs[0].spec.limits.wall_time_s == 60
    assert [claim.job_id for claim in await box.claim(max_jobs=MOST_AT_ONCE)] == [job.id for job in jobs]


async def test_what_is_refused_does_not_hold_up_the_rest(make_world: Worlds) -> None:
    world = await make_world(Config(queued_jobs_per_user=3))
    ada = await world.client("ada")
    unknown = FileRef(path="a.sh", sha256="0" * 64, size_bytes=1)
    answers = await ada.submit_batch(
        [
            wanted(),
            wanted(language=Language.SHELL, files=(unknown,)),
            wanted(limits=Limits(wall_time_s=1e9)),
            wanted(),
            wanted(),
            wanted(),
        ]
    )
    assert [type(answer) for answer in answers] == [Job, MissingBlobs, InvalidMessage, Job, Job, TooManyRequests]
    missing, too_long = answers[1:3]
    assert isinstance(missing, MissingBlobs)
    assert missing.items == (unknown.sha256,)
    assert isinstance(too_long, InvalidMessage)
    assert too_long.path == "$.spec.limits.wall_time_s"
    assert len((await ada.jobs()).jobs) == 3


async def test_the_same_request_again_makes_no_more_jobs(ada: Client, bob: Client) -> None:
    batch = [wanted() for _ in range(5)]
    first = await ada.submit_batch(batch)
    assert await ada.submit_batch([*batch, batch[0]]) == [*first, first[0]]
    assert len((await ada.jobs()).jobs) == 5
    assert not {job.id for job in first} & {job.id for job in await bob.submit_batch(batch)}


async def test_too_much_at_once(make_world: Worlds) -> None:
    world = await make_world(Config(request_bytes=40_000))
    ada = await world.client("ada")
    with pytest.raises(InvalidMessage) as many:
        await ada.submit_batch([wanted()] * (MOST_AT_ONCE + 1))
    assert many.value.path == "$.submits"
    long = spec(args=("echo", "x" * 1000))
    with pytest.raises(TooLarge):
        await ada.submit_batch([Submit(spec=long, idempotency_key=uuid.uuid4().hex)] * MOST_AT_ONCE)
    assert (await ada.jobs()).jobs == ()
    assert len(await ada.submit_many_with([long] * MOST_AT_ONCE, {})) == MOST_AT_ONCE


async def test_many_jobs_with_a_file_in_common_cost_few_requests(world: World, ada: Client) -> None:
    source = b"echo $1"
    contents = {hashlib.sha256(source).hexdigest(): source}
    specs = [
        spec(language=Language.SHELL, files=(file_ref("a.sh", source),), args=(str(number),)) for number in range(150)
    ]
    before = await posts(world)
    jobs = await ada.submit_many_with(specs, contents)
    assert await posts(world) - before == 1 + 1 + 3  # that of the count, an upload, three of submits
    assert [job.spec.args for job in jobs] == [(str(number),) for number in range(150)]


async def test_the_first_refusal_of_many_is_raised(make_world: Worlds) -> None:
    world = await make_world(Config(queued_jobs_per_user=2))
    ada = await world.client("ada")
    with pytest.raises(TooManyRequests):
        await ada.submit_many_with([spec()] * 3, {})
    assert len((await ada.jobs()).jobs) == 2
