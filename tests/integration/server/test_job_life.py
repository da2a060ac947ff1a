"""A job from submit to its end, over HTTP."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from telerun_protocol.client import Client
from telerun_protocol.errors import Conflict, StaleClaim
from telerun_protocol.logframes import Frame, encode_frame
from telerun_protocol.messages import HeartbeatRequest, Limits, Result
from telerun_protocol.states import Phase, Reason, State
from telerun_server.config import Config

from .conftest import EMULATED, GPU, Executor, World, Worlds, executor_info, spec, submit


async def test_a_job_from_submit_to_result(ada: Client, box: Executor) -> None:
    job = await submit(ada, name="first", tags=("a", "b"))
    assert job.state is State.QUEUED
    assert (job.number, job.owner) == (1, "ada")
    assert job.spec.limits.wall_time_s == 60
    assert (await ada.job(job.id)).queue_position == 1

    claim = await box.claim_one()
    assert (claim.job_id, claim.attempt, claim.log_offset, claim.owner) == (job.id, 1, 0, "ada")
    assert claim.spec == job.spec
    claimed = await ada.job(job.id)
    assert (claimed.state, claimed.executor, claimed.queue_position) == (State.CLAIMED, "box", None)

    await box.phase(claim, Phase.FETCH)
    await box.phase(claim, Phase.RUN)
    running = await ada.job(job.id)
    assert (running.state, running.phase) == (State.RUNNING, Phase.RUN)
    assert [time.phase for time in running.phases] == [Phase.FETCH, Phase.RUN]
    assert running.started_at is not None

    frames = encode_frame(1, b"hello\n") + encode_frame(2, b"oops\n")
    assert await box.client.append_log(job.id, claim.claim_id, 0, frames) == len(frames)
    await box.finish(
        claim, Result(state=State.FAILED, reason=Reason.NONZERO_EXIT, exit_code=3, message="It ended with 3.")
    )

    ended = await ada.job(str(job.number))
    assert (ended.state, ended.reason, ended.phase) == (State.FAILED, Reason.NONZERO_EXIT, None)
    assert ended.result is not None
    assert ended.result.exit_code == 3
    assert ended.finished_at is not None
    assert [frame async for frame in ada.log(job.id, follow=True)] == [Frame(1, b"hello\n"), Frame(2, b"oops\n")]


async def test_submit_is_idempotent_by_user_and_key(ada: Client, bob: Client) -> None:
    first = await ada.submit(spec(), "the-same-key")
    again = await ada.submit(spec(), "the-same-key")
    of_bob = await bob.submit(spec(), "the-same-key")
    assert first.id == again.id
    assert of_bob.id != first.id
    assert len((await ada.jobs()).jobs) == 1


async def test_a_waiting_claim_is_woken_by_a_submit(world: World, ada: Client, box: Executor) -> None:
    waiting = asyncio.ensure_future(box.claim(wait_s=30))
    await world.listening("claims", 1)
    job = await submit(ada)
    async with asyncio.timeout(10):
        (claim,) = await waiting
    assert claim.job_id == job.id


async def test_a_repeated_claim_request_gets_the_same_claims(ada: Client, box: Executor) -> None:
    for _ in range(3):
        await submit(ada)
    first = await box.claim(max_jobs=2, request_id="request-1")
    assert await box.claim(max_jobs=2, request_id="request-1") == first
    assert len(first) == 2
    assert len(await box.claim(max_jobs=2, request_id="request-2")) == 1


async def test_finish_is_idempotent_and_fenced(ada: Client, box: Executor) -> None:
    await submit(ada)
    claim = await box.claim_one()
    await box.finish(claim)
    await box.finish(claim)
    await box.phase(claim, Phase.RUN)  # as in a repeated request: no news
    with pytest.raises(StaleClaim):
        await box.client.append_log(claim.job_id, claim.claim_id, 0, encode_frame(1, b"late"))
    with pytest.raises(StaleClaim):
        await box.release(msgspec.structs.replace(claim, claim_id="0" * 32))
    assert (await ada.job(claim.job_id)).state is State.SUCCEEDED


async def test_cancelling_a_queued_job_ends_it(ada: Client, box: Executor) -> None:
    job = await submit(ada)
    cancelled = await ada.cancel(job.id)
    assert (cancelled.state, cancelled.reason) == (State.CANCELLED, Reason.CANCELLED)
    assert (await ada.cancel(job.id)).state is State.CANCELLED
    assert await box.claim() == []


async def test_cancelling_a_running_job_wakes_the_heartbeat(world: World, ada: Client, box: Executor) -> None:
    await submit(ada)
    claim = await box.claim_one()
    request = HeartbeatRequest(instance=box.info.instance, claim_ids=(claim.claim_id,), wait_s=30)
    waiting = asyncio.ensure_future(box.client.heartbeat(request))
    await world.listening("heartbeat", 1)
    assert (await ada.cancel(claim.job_id)).cancel_requested
    async with asyncio.timeout(5):
        assert (await waiting).cancel == (claim.claim_id,)
    known = HeartbeatRequest(
        instance=box.info.instance, claim_ids=(claim.claim_id,), known_cancels=(claim.claim_id,), wait_s=0.05
    )
    assert (await box.client.heartbeat(known)).cancel == ()
    await box.finish(claim, Result(state=State.FAILED, reason=Reason.SIGNAL, signal=9))
    job = await ada.job(claim.job_id)
    assert (job.state, job.reason) == (State.CANCELLED, Reason.CANCELLED)
    assert job.result is not None
    assert job.result.signal == 9


async def test_success_before_the_cancel_was_heard_stays_success(ada: Client, box: Executor) -> None:
    await submit(ada)
    claim = await box.claim_one()
    await ada.cancel(claim.job_id)
    await box.finish(claim)
    assert (await ada.job(claim.job_id)).state is State.SUCCEEDED


async def test_our_own_failures_are_tried_again(make_world: Worlds) -> None:
    world = await make_world(Config(max_attempts=2))
    ada, box = await world.client("ada"), await world.executor()
    job = await submit(ada)
    broken = Result(state=State.FAILED, reason=Reason.SANDBOX_ERROR, message="The box broke.")
    first = await box.claim_one()
    await box.finish(first, broken)
    await box.finish(first, broken)
    assert (await ada.job(job.id)).state is State.QUEUED
    second = await box.claim_one()
    assert second.attempt == 2
    await box.finish(second, broken)
    ended = await ada.job(job.id)
    assert (ended.state, ended.reason) == (State.FAILED, Reason.SANDBOX_ERROR)


async def test_a_released_job_is_queued_again_without_counting(ada: Client, box: Executor) -> None:
    await submit(ada)
    claim = await box.claim_one()
    await box.release(claim)
    await box.release(claim)
    again = await box.claim_one()
    assert (again.job_id, again.attempt) == (claim.job_id, 1)
    with pytest.raises(StaleClaim):
        await box.phase(msgspec.structs.replace(claim, claim_id="0" * 32), Phase.RUN)


SHORT = Config(lease_s=0.4, heartbeat_s=0.1, max_attempts=2)


async def until(ada: Client, job: str, *states: State) -> None:
    async with asyncio.timeout(20):
        while (await ada.job(job)).state not in states:
            await asyncio.sleep(0.05)


async def test_a_lost_lease_queues_the_job_again_and_then_fails_it(make_world: Worlds) -> None:
    world = await make_world(SHORT)
    ada, box = await world.client("ada"), await world.executor()
    job = await submit(ada)
    claim = await box.claim_one()
    await until(ada, job.id, State.QUEUED)
    heard = await box.client.heartbeat(HeartbeatRequest(instance=box.info.instance, claim_ids=(claim.claim_id,)))
    assert heard.lost == (claim.claim_id,)
    with pytest.raises(StaleClaim):
        await box.finish(claim)
    assert (await box.claim_one()).attempt == 2
    await until(ada, job.id, State.FAILED)
    lost = await ada.job(job.id)
    assert lost.reason is Reason.EXECUTOR_LOST
    assert lost.result is not None
    assert "box" in lost.result.message
    assert lost.result.hint


async def test_heartbeats_keep_the_lease(make_world: Worlds) -> None:
    world = await make_world(Config(lease_s=3, heartbeat_s=0.5))
    ada, box = await world.client("ada"), await world.executor()
    job = await submit(ada)
    claim = await box.claim_one()
    request = HeartbeatRequest(instance=box.info.instance, claim_ids=(claim.claim_id,), wait_s=0.8)
    for _ in range(6):
        assert (await box.client.heartbeat(request)).lost == ()
    assert (await ada.job(job.id)).attempt == 1
    await box.finish(claim)
    assert (await ada.job(job.id)).state is State.SUCCEEDED


async def test_a_cancelled_job_whose_executor_is_lost_is_not_tried_again(make_world: Worlds) -> None:
    world = await make_world(SHORT)
    ada, box = await world.client("ada"), await world.executor()
    job = await submit(ada)
    await box.claim_one()
    await ada.cancel(job.id)
    await until(ada, job.id, State.CANCELLED)


async def test_a_restarted_executor_gives_back_what_its_predecessor_held(
    world: World, ada: Client, box: Executor
) -> None:
    job = await submit(ada)
    old = await box.claim_one()
    successor = await Executor(box.client, executor_info(replaces=box.info.instance)).register()
    assert (await ada.job(job.id)).state is State.QUEUED
    assert (await successor.claim_one()).job_id == job.id
    with pytest.raises(StaleClaim):
        await box.finish(old)


async def test_limits_are_filled_in_and_bounded(ada: Client) -> None:
    job = await submit(ada, limits=Limits(wall_time_s=5))
    assert job.spec.limits.wall_time_s == 5
    assert job.spec.limits.memory_bytes == 4 << 30


async def test_a_claim_is_not_made_for_a_client_that_has_gone(world: World, ada: Client, box: Executor) -> None:
    polling = asyncio.ensure_future(box.claim(wait_s=60))
    await world.listening("claims", 1)
    polling.cancel()
    await world.listening("claims", 0)
    job = await submit(ada)
    assert (await ada.job(job.id)).state is State.QUEUED


async def test_followers_that_leave_are_forgotten(world: World, ada: Client) -> None:
    job = await submit(ada)

    async def follow() -> None:
        async for _ in ada.log(job.id, follow=True):
            pass

    async def watch() -> None:
        async for _ in ada.events():
            pass

    tasks = [asyncio.ensure_future(follow()), asyncio.ensure_future(watch())]
    await world.listening("log", 1)
    await world.listening("events", 1)
    for task in tasks:
        task.cancel()
    await world.listening("log", 0)
    await world.listening("events", 0)


async def test_a_replaced_executor_gets_nothing_more(world: World, ada: Client, box: Executor) -> None:
    polling = asyncio.ensure_future(box.claim(wait_s=60))
    await world.listening("claims", 1)
    await Executor(box.client, executor_info(replaces=box.info.instance)).register()
    async with asyncio.timeout(10):
        assert await polling == []
    with pytest.raises(Conflict):
        await box.claim()


async def test_when_the_gpu_goes_others_may_emulate(make_world: Worlds) -> None:
    world = await make_world(SHORT)
    ada, plain = await world.client("ada"), await world.executor("plain", devices=(EMULATED,))
    await world.executor("gpu", devices=(GPU,))
    polling = asyncio.ensure_future(plain.claim(wait_s=60))
    job = await submit(ada, gpus=1, emulate=True)
    async with asyncio.timeout(20):
        (claim,) = await polling
    assert claim.job_id == job.id
