"""Logs: appended by executors with offsets, read and followed by users."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from telerun_protocol import routes
from telerun_protocol.client import Client
from telerun_protocol.errors import InvalidMessage, LogGap, NotFound, StaleClaim, TooLarge
from telerun_protocol.logframes import Frame, encode_frame
from telerun_protocol.messages import Claim, Limits
from telerun_server.config import Config

from .conftest import Executor, World, Worlds, submit

ONE, TWO = encode_frame(1, b"one\n"), encode_frame(2, b"two\n")


@pytest.fixture
async def claim(ada: Client, box: Executor) -> Claim:
    await submit(ada)
    return await box.claim_one()


async def read(client: Client, job: str, **options: object) -> list[Frame]:
    return [frame async for frame in client.log(job, **options)]  # type: ignore[arg-type]


async def test_a_repeated_append_writes_nothing_twice(ada: Client, box: Executor, claim: Claim) -> None:
    append = box.client.append_log
    assert await append(claim.job_id, claim.claim_id, 0, ONE) == len(ONE)
    assert await append(claim.job_id, claim.claim_id, 0, ONE) == len(ONE)
    assert await append(claim.job_id, claim.claim_id, 0, ONE + TWO) == len(ONE + TWO)
    assert await append(claim.job_id, claim.claim_id, len(ONE), TWO) == len(ONE + TWO)
    assert await read(ada, claim.job_id) == [Frame(1, b"one\n"), Frame(2, b"two\n")]
    assert await read(ada, claim.job_id, offset=len(ONE)) == [Frame(2, b"two\n")]


async def test_an_append_beyond_the_end_is_a_gap(box: Executor, claim: Claim) -> None:
    with pytest.raises(LogGap, match="ends at byte 0"):
        await box.client.append_log(claim.job_id, claim.claim_id, 12, ONE)


@pytest.mark.parametrize(
    "data", [ONE[:-1], b"\x09" + ONE[1:], b"\x01\x01" + ONE[2:], b"\x01\0\0\0\xff\xff\xff\xff", b"\x01"]
)
async def test_what_is_no_frame_is_refused(ada: Client, box: Executor, claim: Claim, data: bytes) -> None:
    with pytest.raises(InvalidMessage):
        await box.client.append_log(claim.job_id, claim.claim_id, 0, data)
    assert await read(ada, claim.job_id) == []


async def test_an_append_that_cuts_a_known_frame_is_refused(box: Executor, claim: Claim) -> None:
    await box.client.append_log(claim.job_id, claim.claim_id, 0, ONE)
    with pytest.raises(InvalidMessage):
        await box.client.append_log(claim.job_id, claim.claim_id, 4, encode_frame(1, b"something longer"))


async def test_another_executor_cannot_append(world: World, claim: Claim) -> None:
    other = await world.executor("other")
    with pytest.raises(StaleClaim):
        await other.client.append_log(claim.job_id, claim.claim_id, 0, ONE)


async def test_a_log_is_bounded(make_world: Worlds) -> None:
    world = await make_world(Config())
    ada, box = await world.client("ada"), await world.executor()
    await submit(ada, limits=Limits(output_bytes=1))
    claim = await box.claim_one()
    frames = encode_frame(1, b"x" * (1 << 20)) * 8
    size = await box.client.append_log(claim.job_id, claim.claim_id, 0, frames)
    with pytest.raises(TooLarge):
        await box.client.append_log(claim.job_id, claim.claim_id, size, frames + frames)


async def test_the_next_attempt_appends_to_the_same_log(ada: Client, box: Executor, claim: Claim) -> None:
    await box.client.append_log(claim.job_id, claim.claim_id, 0, ONE)
    await box.release(claim)
    again = await box.claim_one()
    assert again.log_offset == len(ONE)
    await box.client.append_log(again.job_id, again.claim_id, again.log_offset, TWO)
    assert len(await read(ada, claim.job_id)) == 2


async def test_a_hundred_followers_get_every_byte(ada: Client, box: Executor, claim: Claim) -> None:
    async def follow(offset: int) -> bytes:
        return b"".join([frame.payload async for frame in ada.log(claim.job_id, offset=offset, follow=True)])

    async with asyncio.TaskGroup() as group:
        early = [group.create_task(follow(0)) for _ in range(50)]
        offset = 0
        sent = b""
        for number in range(60):
            line = b"line %d " % number + b"x" * 3000
            offset = await box.client.append_log(claim.job_id, claim.claim_id, offset, encode_frame(1, line))
            sent += line
            if number == 30:
                late = [group.create_task(follow(0)) for _ in range(50)]
        await box.finish(claim)
    assert {task.result() for task in early + late} == {sent}


async def test_following_ends_with_the_job_even_without_output(
    world: World, ada: Client, box: Executor, claim: Claim
) -> None:
    following = asyncio.ensure_future(read(ada, claim.job_id, follow=True))
    await world.listening("log", 1)
    assert not following.done()
    await box.finish(claim)
    async with asyncio.timeout(10):
        assert await following == []


async def test_following_a_queued_job_that_is_cancelled_ends(world: World, ada: Client) -> None:
    job = await submit(ada)
    following = asyncio.ensure_future(read(ada, job.id, follow=True))
    await world.listening("log", 1)
    await ada.cancel(job.id)
    async with asyncio.timeout(10):
        assert await following == []


async def test_a_slow_follower_gets_everything(world: World, ada: Client, box: Executor, claim: Claim) -> None:
    data = encode_frame(1, bytes(range(256)) * 4096)
    offset = 0
    for _ in range(16):
        offset = await box.client.append_log(claim.job_id, claim.claim_id, offset, data)
    await box.finish(claim)
    received = 0
    async for frame in ada.log(claim.job_id, follow=True):
        received += len(frame.payload)
        await asyncio.sleep(0.01)
    assert received == 16 << 20


async def get(world: World, path: str, **params: str) -> tuple[int, str, str]:
    token = await world.server.parts.accounts.rotate("ada", executor=False)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(world.url + path, params=params, headers=headers) as got:
        return got.status, got.headers["Content-Type"], await got.text()


async def test_a_log_as_text(world: World, ada: Client, box: Executor, claim: Claim) -> None:
    cut = "grün".encode()
    frames = encode_frame(1, cut[:3]) + encode_frame(2, b"bad \xff\n") + encode_frame(1, cut[3:] + b"\n")
    await box.client.append_log(claim.job_id, claim.claim_id, 0, frames)
    path = routes.fill(routes.LOG, job=claim.job_id)
    assert await get(world, path, format="text", stream="stdout") == (200, "text/plain; charset=utf-8", "grün\n")
    assert (await get(world, path, format="text", stream="stderr"))[2] == "bad \ufffd\n"
    assert "grbad" in (await get(world, path, format="text"))[2]
    assert (await get(world, path, format="pdf"))[0] == 400
    assert (await get(world, path, format="text", stream="stdin"))[0] == 400
    assert (await get(world, path, offset="-1"))[0] == 400
    assert (await get(world, path, offset="99999"))[0] == 400


async def test_the_log_of_another_is_not_there(bob: Client, claim: Claim) -> None:
    with pytest.raises(NotFound):
        await read(bob, claim.job_id)
