"""What every store must hold to. A new store is added to IMPLEMENTATIONS, and to nothing else here."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from telerun_protocol.errors import (
    Conflict,
    InvalidMessage,
    MissingBlobs,
    NotFound,
    StaleClaim,
    TelerunError,
    TooManyRequests,
)
from telerun_protocol.messages import Artifact, Job, Report, Result
from telerun_protocol.states import Phase, Reason, State
from telerun_server.admission import new_job_id
from telerun_server.needs import Needs, needs_of
from telerun_server.store.base import Account, ClaimOrder, HeldJob, JobFilter, Store, Submission, Told
from telerun_server.store.sqlite import SqliteStore

from .conftest import executor_info, spec


async def sqlite(folder: Path) -> Store:
    return await SqliteStore.open(folder / "store.sqlite3")


IMPLEMENTATIONS: dict[str, Callable[[Path], Awaitable[Store]]] = {"sqlite": sqlite}
INSTANCE = "0" * 32
SUCCESS = Result(state=State.SUCCEEDED)
CANCELLED = Result(state=State.CANCELLED, reason=Reason.CANCELLED)
BROKEN = Result(state=State.FAILED, reason=Reason.SANDBOX_ERROR)
_keys = itertools.count()


@pytest.fixture(params=IMPLEMENTATIONS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store = await IMPLEMENTATIONS[request.param](tmp_path)
    yield store
    await store.close()


def submission(owner: str = "ada", **changes: Any) -> Submission:
    job = changes.pop("spec", spec())
    values = {
        "id": new_job_id(),
        "owner": owner,
        "idempotency_key": f"key-{next(_keys)}",
        "spec": job,
        "needs": needs_of(job),
        "blobs": {},
        "queued_at_most": 100,
    }
    return Submission(**{**values, **changes})


async def put(store: Store, owner: str = "ada", now: float = 1.0, **changes: Any) -> Job:
    return await submit(store, submission(owner, **changes), now)


async def submit(store: Store, one: Submission, now: float = 1.0) -> Job:
    (answer,) = await store.submit([one], now)
    if isinstance(answer, TelerunError):
        raise answer
    return answer


def order(**changes: Any) -> ClaimOrder:
    values = {
        "executor": "box",
        "instance": INSTANCE,
        "request_id": f"request-{next(_keys)}",
        "max_jobs": 1,
        "lease_s": 30.0,
        "may_claim": lambda needs: True,
    }
    return ClaimOrder(**{**values, **changes})


async def take(store: Store, now: float = 2.0, **changes: Any) -> HeldJob:
    (held,) = await store.claim(order(**changes), now)
    return held


async def tell(store: Store, held: HeldJob, attempts: int = 3, now: float = 4.0, **what: Any) -> Any:
    report = Report(job_id=held.job_id, claim_id=held.claim_id, **what)
    (answer,) = await store.report(
        [Told(executor=held.executor, report=report, when_cancelled=CANCELLED)], attempts, now
    )
    if isinstance(answer, TelerunError):
        raise answer
    return answer


async def finish(store: Store, held: HeldJob, result: Result = SUCCESS, attempts: int = 3, now: float = 4.0) -> Any:
    return await tell(store, held, attempts, now, result=result)


async def state(store: Store, job_id: str) -> State:
    job = await store.job(job_id)
    assert job is not None
    return job.state


async def kinds(store: Store, owner: str = "ada") -> list[str]:
    return [event.kind for event in await store.events(owner, 0, 100)]


async def test_a_whole_life_and_its_events(store: Store) -> None:
    job = await put(store)
    held = await take(store)
    assert (held.job_id, held.attempt, held.spec, held.claimed_at) == (job.id, 1, job.spec, 2.0)
    change = await tell(store, held, now=3.0, phase=Phase.RUN)
    assert change is not None
    assert change.state is State.RUNNING
    assert await tell(store, held, now=3.5, phase=Phase.RUN) is None
    change = await finish(store, held)
    assert (change.state, change.claim_id) == (State.SUCCEEDED, held.claim_id)
    assert await finish(store, held) is None
    ended = await store.job(str(job.number))
    assert ended is not None
    assert (ended.id, ended.started_at, ended.finished_at, ended.result) == (job.id, 3.0, 4.0, SUCCESS)
    events = await store.events("ada", 0, 100)
    assert [event.kind for event in events] == ["queued", "claimed", "phase", "succeeded"]
    assert [event.job.state for event in events] == [State.QUEUED, State.CLAIMED, State.RUNNING, State.SUCCEEDED]
    assert await store.last_event_id() == events[-1].id
    assert await store.events("ada", events[1].id, 1) == [events[2]]


async def test_the_same_key_is_the_same_job(store: Store) -> None:
    first = submission()
    job = await submit(store, first)
    again = submission(idempotency_key=first.idempotency_key)
    assert await submit(store, again, 2.0) == job
    several = await store.submit([again, submission(), first], 3.0)
    assert [one.number for one in several if isinstance(one, Job)] == [1, 2, 1]
    assert len(await store.jobs(JobFilter(owner=None))) == 2
    assert await kinds(store) == ["queued", "queued"]


async def test_submits_at_the_same_time_are_each_their_own(store: Store) -> None:
    same = submission()
    results = await asyncio.gather(
        *(submit(store, submission()) for _ in range(50)),
        *(submit(store, same) for _ in range(10)),
        *(submit(store, submission(blobs={"0" * 64: 1})) for _ in range(10)),
        return_exceptions=True,
    )
    assert all(isinstance(result, MissingBlobs) for result in results[60:])
    jobs = [result.id for result in results[:60] if not isinstance(result, BaseException)]
    assert len(set(jobs[:50])) == 50
    assert set(jobs[50:]) == {same.id}
    assert (await store.counts())[State.QUEUED] == await store.queued() == 51


async def test_claims_at_the_same_time_never_share_a_job(store: Store) -> None:
    for _ in range(20):
        await put(store)
    claims = await asyncio.gather(*(store.claim(order(max_jobs=3), 2.0) for _ in range(10)))
    ids = [held.job_id for claim in claims for held in claim]
    assert sorted(len(claim) for claim in claims) == [0, 0, 0, 2, 3, 3, 3, 3, 3, 3]
    assert len(set(ids)) == 20


async def test_a_request_repeated_gets_what_it_still_holds(store: Store) -> None:
    for _ in range(3):
        await put(store)
    wish = order(max_jobs=2)
    first = await store.claim(wish, 2.0)
    assert await store.claim(wish, 2.5) == first
    await finish(store, first[0])
    assert await store.claim(wish, 3.0) == first[1:]


async def test_only_what_may_be_claimed(store: Store) -> None:
    gpu = await put(store, spec=spec(gpus=1))
    cpu = await put(store)
    seen: list[Needs] = []

    def without_gpus(needs: Needs) -> bool:
        seen.append(needs)
        return not needs.gpus

    assert (await take(store, may_claim=without_gpus)).job_id == cpu.id
    assert {needs.gpus for needs in seen} == {0, 1}
    assert await store.claim(order(may_claim=without_gpus), 3.0) == []
    assert (await take(store)).job_id == gpu.id


async def test_fair_order(store: Store) -> None:
    for owner in ("ada", "ada", "ada", "bob", "cy", "bob"):
        await put(store, owner)
    assert [held.owner for held in await store.claim(order(max_jobs=6), 2.0)] == [
        "ada",
        "bob",
        "cy",
        "ada",
        "bob",
        "ada",
    ]


async def test_positions_say_what_the_order_does(store: Store) -> None:
    for owner in ("cy", "ada", "ada", "bob", "ada", "cy", "bob", "ada"):
        await put(store, owner)
    await take(store)  # cy is served, and now behind the others
    await put(store, "cy")
    jobs = await store.jobs(JobFilter(owner=None, states=(State.QUEUED,)))
    predicted = [job.id for job in sorted(jobs, key=lambda job: job.queue_position or 0)]
    assert sorted(job.queue_position or 0 for job in jobs) == list(range(1, 9))
    assert [held.job_id for held in await store.claim(order(max_jobs=64), 3.0)] == predicted


async def test_a_stale_claim_changes_nothing(store: Store) -> None:
    await put(store)
    old = await take(store)
    await store.lose_expired(3, now=1000.0)
    new = await take(store, now=1001.0)
    assert new.claim_id != old.claim_id
    for attempt in (
        tell(store, old, phase=Phase.RUN),
        finish(store, old),
        tell(store, old, release=True),
        finish(store, dataclasses.replace(new, job_id="j22222222222")),
        finish(store, dataclasses.replace(new, executor="another")),
    ):
        with pytest.raises(StaleClaim):
            await attempt
    job = await store.job(new.job_id)
    assert job is not None
    assert (job.state, job.attempt) == (State.CLAIMED, 2)


async def test_leases(store: Store) -> None:
    await put(store)
    held = await take(store, lease_s=10.0, now=100.0)
    leases = await store.extend(INSTANCE, [held.claim_id, "other"], 10.0, 105.0)
    assert (leases.cancel, leases.lost) == ((), ("other",))
    assert (await store.extend("1" * 32, [held.claim_id], 1000.0, 105.0)).lost == (held.claim_id,)
    assert await store.lose_expired(2, 114.0) == []
    (change,) = await store.lose_expired(2, 116.0)
    assert (change.state, change.instance, change.claim_id) == (State.QUEUED, INSTANCE, held.claim_id)
    held = await take(store, now=200.0)
    (change,) = await store.lose_expired(2, 1000.0)
    assert change.state is State.FAILED
    job = await store.job(held.job_id)
    assert job is not None
    assert job.reason is Reason.EXECUTOR_LOST
    assert await kinds(store) == ["queued", "claimed", "requeued", "claimed", "failed"]


async def test_all_leases_are_extended_after_a_pause(store: Store) -> None:
    await put(store)
    held = await take(store, now=100.0)
    assert [one.claim_id for one in await store.extend_all(5000.0)] == [held.claim_id]
    assert await store.lose_expired(3, 4999.0) == []


async def test_cancel(store: Store) -> None:
    queued, held_id = await put(store), (await put(store)).id
    change = await store.cancel(queued.id, CANCELLED, 2.0)
    assert change is not None
    assert change.state is State.CANCELLED
    assert await store.cancel(queued.id, CANCELLED, 2.0) is None
    held = await take(store)
    assert held.job_id == held_id
    change = await store.cancel(held.job_id, CANCELLED, 3.0)
    assert change is not None
    assert (change.state, change.instance, change.claim_id) == (State.CLAIMED, INSTANCE, held.claim_id)
    assert await store.cancel(held.job_id, CANCELLED, 3.0) is None
    assert (await store.extend(INSTANCE, [held.claim_id], 30.0, 3.0)).cancel == (held.claim_id,)
    await finish(store, held, BROKEN)
    assert await state(store, held.job_id) is State.CANCELLED


@pytest.mark.parametrize("how", ["finish", "release", "lose"])
async def test_a_cancelled_job_never_comes_back(store: Store, how: str) -> None:
    await put(store)
    held = await take(store)
    await store.cancel(held.job_id, CANCELLED, 3.0)
    if how == "finish":
        await finish(store, held, BROKEN)
    elif how == "release":
        await tell(store, held, release=True)
    else:
        await store.lose_expired(3, 1000.0)
    assert await state(store, held.job_id) is State.CANCELLED


async def test_success_wins_over_a_cancel_that_came_too_late(store: Store) -> None:
    await put(store)
    held = await take(store)
    await store.cancel(held.job_id, CANCELLED, 3.0)
    await finish(store, held)
    assert await state(store, held.job_id) is State.SUCCEEDED


async def test_our_failures_are_retried_and_releases_do_not_count(store: Store) -> None:
    await put(store)
    held = await take(store)
    change = await tell(store, held, release=True)
    assert change is not None
    assert change.state is State.QUEUED
    assert await tell(store, held, release=True) is None
    held = await take(store)
    assert held.attempt == 1
    assert (await finish(store, held, BROKEN, attempts=2)).state is State.QUEUED
    assert await finish(store, held, BROKEN, attempts=2) is None
    held = await take(store)
    assert held.attempt == 2
    assert (await finish(store, held, BROKEN, attempts=2)).state is State.FAILED


async def test_a_successor_takes_over_at_once(store: Store) -> None:
    await store.register("box", executor_info(instance=INSTANCE), 3, 1.0)
    await put(store)
    held = await take(store)
    stranger = executor_info(instance="1" * 32, replaces=INSTANCE)
    assert await store.register("other", stranger, 3, 2.0) == []  # another account replaces nothing of ours
    (change,) = await store.register("box", executor_info(instance="2" * 32, replaces=INSTANCE), 3, 3.0)
    assert (change.job_id, change.state) == (held.job_id, State.QUEUED)
    assert {row.info.instance for row in await store.executors()} == {"1" * 32, "2" * 32}
    await store.add_account(Account(name="other", role="executor", created_at=1.0), "3" * 64)
    await store.remove_account("other", executor=True)
    assert {row.info.instance for row in await store.executors()} == {"2" * 32}
    await store.register("other", stranger, 3, 2.0)
    with pytest.raises(Conflict):
        await store.register("box", executor_info(instance="1" * 32), 3, 4.0)


async def test_blobs_and_who_has_them(store: Store) -> None:
    one, two = "1" * 64, "2" * 64
    with pytest.raises(MissingBlobs) as missing:
        await put(store, blobs={one: 5})
    assert missing.value.items == (one,)
    await store.add_blob(one, 5, owner="ada", job_id=None, now=1.0)
    with pytest.raises(MissingBlobs):
        await put(store, "bob", blobs={one: 5})
    with pytest.raises(InvalidMessage):
        await put(store, blobs={one: 6})
    job = await put(store, blobs={one: 5})
    held = await take(store)
    made = Result(state=State.SUCCEEDED, artifacts=(Artifact(path="x", sha256=two, size_bytes=1),))
    with pytest.raises(MissingBlobs):
        await finish(store, held, made)
    await store.add_blob(two, 1, owner=None, job_id=job.id, now=1.0)
    await finish(store, held, made)
    assert await store.blob_size(one, owner="ada", job_id=None) == 5
    assert await store.blob_size(one, owner=None, job_id=job.id) == 5
    assert await store.blob_size(two, owner="ada", job_id=None) == 1
    assert await store.blob_size(two, owner="bob", job_id=None) is None
    assert await store.blob_size(two, owner=None, job_id=None) is None
    await put(store, blobs={two: 1})  # what one job left, the next may be given
    with pytest.raises(MissingBlobs):
        await put(store, "bob", blobs={two: 1})


async def test_retention(store: Store) -> None:
    one = "1" * 64
    await store.add_blob(one, 5, owner="ada", job_id=None, now=1.0)
    await store.add_blob("2" * 64, 5, owner="ada", job_id=None, now=50.0)
    job = await put(store, blobs={one: 5})
    assert await store.purge_blobs(10.0, 10) == []
    await finish(store, await take(store), now=20.0)
    assert await store.purge_jobs(20.0, 10) == []
    assert await store.purge_jobs(21.0, 10) == [job.id]
    assert await store.events("ada", 0, 10) == []
    assert await store.purge_blobs(10.0, 10) == [one]
    assert await store.blob_size(one, owner="ada", job_id=None) is None
    later = await put(store, now=30.0)
    assert later.number == job.number + 1
    last = await store.last_event_id()
    await store.register("box", executor_info(), 3, 30.0)
    await store.purge_rest(events_before=31.0, seen_before=31.0)
    assert await store.events("ada", 0, 10) == []
    assert await store.executors() == []
    assert await store.last_event_id() == last


async def test_at_most_so_many_waiting(store: Store) -> None:
    for _ in range(3):
        await put(store, queued_at_most=3)
    with pytest.raises(TooManyRequests):
        await put(store, queued_at_most=3)
    await take(store)
    await put(store, queued_at_most=3)
    await put(store, "bob", queued_at_most=3)


async def test_accounts(store: Store) -> None:
    await store.add_account(Account(name="ada", role="user", created_at=1.0), "1" * 64)
    await store.add_account(Account(name="ada", role="executor", created_at=2.0), "2" * 64)
    with pytest.raises(Conflict):
        await store.add_account(Account(name="ada", role="admin", created_at=1.0), "3" * 64)
    await store.rotate_token("ada", executor=False, token_sha256="4" * 64)
    assert await store.account_of("1" * 64) is None
    found = await store.account_of("4" * 64)
    assert found is not None
    assert (found.name, found.role) == ("ada", "user")
    await store.remove_account("ada", executor=False)
    assert [account.role for account in await store.accounts()] == ["executor"]
    for verb in (
        store.remove_account("ada", executor=False),
        store.rotate_token("bob", executor=True, token_sha256="5" * 64),
    ):
        with pytest.raises(NotFound):
            await verb


async def test_it_is_all_there_after_opening_again(tmp_path: Path) -> None:
    for make in IMPLEMENTATIONS.values():
        first = await make(tmp_path)
        job = await put(first)
        held = await take(first)
        await first.close()
        second = await make(tmp_path)
        assert await state(second, job.id) is State.CLAIMED
        await finish(second, held)
        await second.close()
