"""A server and a confined executor for hostile programs; see `tests_hostile` for the safety rule."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests_hostile import ConfinedExecutor, Confinement, HostState, cannot_run, wait_until_as_before
from tests_processes import ServerProcess

from telerun_protocol.client import Client
from telerun_protocol.messages import Executor
from telerun_protocol.states import Isolation, Language, State


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Most of them compare the machine with what it was before; those in the guest have a machine of their own."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.path.name != "test_hostile_in_guest.py":
            item.add_marker(pytest.mark.alone)


@pytest.fixture(scope="session")
def confinement() -> Iterator[Confinement]:
    if reason := cannot_run():
        pytest.skip(reason)
    with Confinement.made() as made:
        yield made


@pytest.fixture(scope="session")
def hostile_server(confinement: Confinement, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("hostile-server")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def hostile_executor(
    hostile_server: ServerProcess, confinement: Confinement, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ConfinedExecutor]:
    """With one slot: the next job is on the same. It has proved to isolate before anything hostile is given to it."""
    folder = tmp_path_factory.mktemp("hostile-executor")
    executor = ConfinedExecutor(hostile_server, folder, confinement, "--no-gpu", "--slots", "1").start()
    try:
        asyncio.run(isolating(hostile_server))
        yield executor
    finally:
        executor.stop()


async def isolating(server: ServerProcess, count: int = 1) -> list[Executor]:
    """Waits for that many executors; fails unless all of them keep jobs fully apart."""
    async with server.client() as client:
        for _ in range(600):
            online = [one for one in (await client.executors()).executors if one.online]
            if len(online) >= count:
                assert {one.info.isolation for one in online} == {Isolation.FULL}
                return online
            await asyncio.sleep(0.05)
    raise AssertionError("no executor came")


@pytest.fixture
async def hostile_client(hostile_server: ServerProcess) -> AsyncIterator[Client]:
    async with hostile_server.client() as client:
        yield client


@pytest.fixture
def hostile_user(hostile_client: Client, hostile_executor: ConfinedExecutor, make_user: Any) -> Any:
    return make_user(hostile_client)


@pytest.fixture(scope="session")
def before(hostile_server: ServerProcess, hostile_executor: ConfinedExecutor, make_user: Any) -> HostState:
    """The machine after a harmless job: whatever comes, it must be like this again."""

    async def run() -> HostState:
        async with hostile_server.client() as client:
            done = await make_user(client).run(Language.SHELL, "echo first")
            assert done.stdout == b"first\n", done.result
        async with asyncio.timeout(20):
            state = HostState.of(hostile_executor)
            while state.processes or state.difference(now := HostState.of(hostile_executor)):
                await asyncio.sleep(0.05)
                state = HostState.of(hostile_executor)
        return now

    return asyncio.run(run())


@pytest.fixture
async def recovers(hostile_user: Any, hostile_executor: ConfinedExecutor, before: HostState) -> AsyncIterator[None]:
    """After the test the next job on the slot succeeds, and the machine is as it was before."""
    yield
    done = await hostile_user.run(Language.SHELL, "echo next")
    assert (done.job.state, done.stdout) == (State.SUCCEEDED, b"next\n"), done.result
    wait_until_as_before(before, hostile_executor)
