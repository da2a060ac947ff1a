"""Classes of users: what their jobs may have."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from telerun_protocol.client import Client
from telerun_protocol.errors import Forbidden, InvalidMessage, NotFound
from telerun_protocol.messages import Report, Usage
from telerun_protocol.states import Phase
from telerun_server.config import Config
from telerun_server.store.sqlite import SqliteStore

from .conftest import Executor, World, Worlds, submit


async def test_the_network_is_for_classes_that_may_have_it(make_world: Worlds) -> None:
    world = await make_world(Config(network_classes=("staff",)))
    box = await world.executor("box")
    student = await world.client("student")
    with pytest.raises(Forbidden, match="may not use the network"):
        await submit(student, network=True)
    await submit(student)
    assert [(claim.owner_class, claim.network) for claim in await box.claim()] == [("default", False)]

    token = await world.server.parts.accounts.add("teacher", "user", user_class="staff")
    teacher = await world.client_with(token)
    assert (await teacher.me()).user_class == "staff"
    await submit(teacher, network=True)
    assert [(claim.owner_class, claim.network) for claim in await box.claim()] == [("staff", True)]


async def test_a_permission_that_is_taken_back_ends_for_jobs_that_wait(make_world: Worlds) -> None:
    world = await make_world(Config(network_classes=("staff",)))
    accounts = world.server.parts.accounts
    teacher = await world.client_with(await accounts.add("teacher", "user", user_class="staff"))
    await submit(teacher, network=True)
    await accounts.set_class("teacher", "guest")
    box = await world.executor("box")
    assert [(claim.owner_class, claim.network) for claim in await box.claim()] == [("guest", False)]


async def test_classes_have_names(world: World) -> None:
    accounts = world.server.parts.accounts
    for bad in ("", "A", "a b", "x" * 33):
        with pytest.raises(InvalidMessage):
            await accounts.add("ada", "user", user_class=bad)
    with pytest.raises(NotFound):
        await accounts.set_class("nobody", "staff")


async def test_accounts_of_an_older_database_are_of_the_default_class(tmp_path: Path) -> None:
    path = tmp_path / "database"
    with sqlite3.connect(path) as old:
        old.executescript(
            (Path(__file__).parents[3] / "server/telerun_server/store/migrations/0001_initial.sql").read_text()
        )
        old.execute("PRAGMA user_version = 1")
        old.execute("INSERT INTO accounts VALUES ('ada', 'user', ?, 1.0)", ("1" * 64,))
    old.close()
    store = await SqliteStore.open(path)
    try:
        assert [(one.name, one.user_class) for one in await store.accounts()] == [("ada", "default")]
    finally:
        await store.close()


async def test_what_a_running_job_uses_is_told_and_forgotten(world: World, ada: Client, box: Executor) -> None:
    events = ada.events(after=0)
    job = await submit(ada)
    claim = await box.claim_one()
    await box.phase(claim, Phase.RUN)
    usage = Usage(cpu_time_s=1.5, memory_bytes=1000, peak_memory_bytes=2000, processes=3)
    await box.tell(Report(job_id=claim.job_id, claim_id=claim.claim_id, usage=usage))
    assert (await ada.job(job.id)).usage == usage
    assert [one.usage for one in (await ada.jobs()).jobs] == [usage]
    async for event in events:
        if event.kind == "usage":
            assert event.job.usage == usage
            break
    stranger = await world.client("eve")
    assert (await stranger.jobs()).jobs == ()
    await box.finish(claim)
    assert (await ada.job(job.id)).usage is None
