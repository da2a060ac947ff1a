"""What executors report in one request: each report stands or falls by itself, and again is as once."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from telerun_protocol.client import Client
from telerun_protocol.errors import InvalidMessage, MissingBlobs, StaleClaim, TooLarge
from telerun_protocol.messages import MOST_AT_ONCE, Artifact, Claim, Report, Result
from telerun_protocol.states import Phase, Reason, State
from telerun_server.config import Config

from .conftest import SUCCESS, Executor, World, Worlds, submit

LOST = Artifact(path="out.txt", sha256="0" * 64, size_bytes=1)


def told(claim: Claim, **what: object) -> Report:
    return msgspec.convert({"job_id": claim.job_id, "claim_id": claim.claim_id, **what}, Report)


async def claimed(user: Client, box: Executor, jobs: int) -> list[Claim]:
    for _ in range(jobs):
        await submit(user)
    return await box.claim(max_jobs=jobs)


async def kinds(user: Client, events: int) -> list[tuple[int, str]]:
    """Number and kind of each event so far."""
    found = []
    async for event in user.events(after=0):
        found.append((event.job.number, event.kind))
        if len(found) == events:
            return found
    raise AssertionError


async def test_one_request_tells_of_many_jobs_in_order(ada: Client, box: Executor) -> None:
    one, two, three = await claimed(ada, box, 3)
    reports = [
        told(one, phase=Phase.FETCH),
        told(two, phase=Phase.RUN),
        told(one, phase=Phase.RUN),
        told(one, result=SUCCESS),
        told(two, result=Result(state=State.FAILED, reason=Reason.SIGNAL, signal=11)),
        told(three, release=True),
    ]
    assert await box.client.report(reports) == [None] * 6
    assert [job.state for job in (await ada.jobs()).jobs] == [State.QUEUED, State.FAILED, State.SUCCEEDED]
    first = await ada.job(one.job_id)
    assert [time.phase for time in first.phases] == [Phase.FETCH, Phase.RUN]
    after = (await kinds(ada, 12))[6:]
    assert after == [(1, "phase"), (2, "phase"), (1, "phase"), (1, "succeeded"), (2, "failed"), (3, "requeued")]


async def test_times_are_those_of_what_happened(ada: Client, box: Executor) -> None:
    (claim,) = await claimed(ada, box, 1)
    await asyncio.sleep(0.06)
    reports = [told(claim, phase=Phase.RUN, ago_s=0.05), told(claim, result=SUCCESS, ago_s=0.02)]
    assert await box.client.report(reports) == [None, None]
    job = await ada.job(claim.job_id)
    assert job.claimed_at
    assert job.started_at
    assert job.finished_at
    assert job.finished_at - job.started_at == pytest.approx(0.03, abs=1e-4)
    assert job.started_at > job.claimed_at
    assert job.phases[0].started_at == pytest.approx(job.started_at, abs=1e-4)


async def test_nothing_has_happened_before_the_claim(ada: Client, box: Executor) -> None:
    (claim,) = await claimed(ada, box, 1)
    await box.client.report([told(claim, phase=Phase.RUN, ago_s=1000), told(claim, result=SUCCESS, ago_s=2000)])
    job = await ada.job(claim.job_id)
    assert job.claimed_at == job.started_at == job.finished_at


async def test_what_is_refused_does_not_hold_up_the_rest(world: World, ada: Client, box: Executor) -> None:
    good, also_good, unfit, empty_handed = await claimed(ada, box, 4)
    other = await world.executor("other")
    (of_other,) = await claimed(ada, other, 1)
    answers = await box.client.report(
        [
            told(good, phase=Phase.RUN),
            Report(job_id=good.job_id, claim_id="0" * 32, result=SUCCESS),
            Report(job_id="j22222222222", claim_id=good.claim_id, release=True),
            told(of_other, result=SUCCESS),
            told(of_other, phase=Phase.RUN),
            told(of_other, release=True),
            told(unfit, result=Result(state=State.SUCCEEDED, reason=Reason.SIGNAL)),
            told(empty_handed, result=Result(state=State.SUCCEEDED, artifacts=(LOST,))),
            told(also_good, result=SUCCESS),
        ]
    )
    refused = [StaleClaim] * 5 + [InvalidMessage, MissingBlobs]
    assert [type(answer) for answer in answers[1:-1]] == refused
    assert (answers[0], answers[-1]) == (None, None)
    missing = answers[7]
    assert missing is not None
    assert missing.items == (LOST.sha256,)
    states = [job.state for job in reversed((await ada.jobs()).jobs)]
    assert states == [State.RUNNING, State.SUCCEEDED, State.CLAIMED, State.CLAIMED, State.CLAIMED]


async def test_the_same_request_again_is_answered_alike_and_changes_nothing(ada: Client, box: Executor) -> None:
    one, two, three = await claimed(ada, box, 3)
    reports = [
        told(one, phase=Phase.RUN),
        told(one, result=SUCCESS),
        told(two, phase=Phase.RUN),
        Report(job_id=two.job_id, claim_id="0" * 32, result=SUCCESS),
        told(three, release=True),
    ]
    first = await box.client.report(reports)
    again = await box.client.report(reports)
    assert [type(answer) for answer in again] == [type(answer) for answer in first]
    assert [answer is None for answer in first] == [True, True, True, False, True]
    await submit(ada)
    assert (await kinds(ada, 11))[6:] == [
        (1, "phase"),
        (1, "succeeded"),
        (2, "phase"),
        (3, "requeued"),
        (4, "queued"),
    ]


async def test_too_much_at_once(make_world: Worlds) -> None:
    world = await make_world(Config(request_bytes=20_000))
    ada, box = await world.client("ada"), await world.executor()
    (claim,) = await claimed(ada, box, 1)
    assert await box.client.report([told(claim, phase=Phase.RUN)] * MOST_AT_ONCE) == [None] * MOST_AT_ONCE
    with pytest.raises(InvalidMessage) as many:
        await box.client.report([told(claim, phase=Phase.RUN)] * (MOST_AT_ONCE + 1))
    assert many.value.path == "$.reports"
    with pytest.raises(TooLarge):
        await box.client.report([told(claim, result=Result(state=State.SUCCEEDED, message="x" * 20_000))])
    assert (await ada.job(claim.job_id)).state is State.RUNNING


@pytest.mark.parametrize("what", [{}, {"phase": Phase.RUN, "release": True}, {"release": True, "result": SUCCESS}])
async def test_a_report_says_one_thing(what: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError, match="either a phase, or usage, or a result, or release"):
        msgspec.convert({"job_id": "j1", "claim_id": "c", **what}, Report)
