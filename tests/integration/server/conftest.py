"""A real server on an unused port, in this process, and clients of every kind."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from telerun_protocol.client import Client
from telerun_protocol.messages import (
    Claim,
    ClaimRequest,
    Device,
    ExecutorInfo,
    Job,
    JobSpec,
    Report,
    Result,
    ToolchainInfo,
)
from telerun_protocol.states import Language, Phase, State
from telerun_server.config import Config
from telerun_server.server import Server, Settings, running

GPU = Device(kind="nvidia", name="NVIDIA H100 80GB HBM3", id="GPU-1", arch="sm_90", memory_bytes=80 << 30)
EMULATED = Device(kind="emulated", name="CPU emulation (compute_80)", id="emulated-0")


def executor_info(**changes: Any) -> ExecutorInfo:
    values: dict[str, Any] = {
        "instance": uuid.uuid4().hex,
        "version": "1",
        "slots": 4,
        "compile_slots": 2,
        "toolchains": tuple(ToolchainInfo(language=language, version="1") for language in Language),
    }
    return ExecutorInfo(**{**values, **changes})


def spec(**changes: Any) -> JobSpec:
    return JobSpec(**{"language": Language.COMMAND, "args": ("true",), **changes})


SUCCESS = Result(state=State.SUCCEEDED, exit_code=0)


@dataclass
class Executor:
    """An executor at the level of the protocol: it claims and reports what the test says."""

    client: Client
    info: ExecutorInfo = field(default_factory=executor_info)

    async def register(self) -> Executor:
        await self.client.register(self.info)
        return self

    async def claim(self, max_jobs: int = 1, wait_s: float = 0.0, request_id: str | None = None) -> list[Claim]:
        request = ClaimRequest(
            instance=self.info.instance,
            request_id=request_id or uuid.uuid4().hex,
            max_jobs=max_jobs,
            wait_s=wait_s,
        )
        return list((await self.client.claim(request)).claims)

    async def claim_one(self, wait_s: float = 10.0) -> Claim:
        (claim,) = await self.claim(wait_s=wait_s)
        return claim

    async def finish(self, claim: Claim, result: Result = SUCCESS) -> None:
        await self.tell(Report(job_id=claim.job_id, claim_id=claim.claim_id, result=result))

    async def phase(self, claim: Claim, phase: Phase) -> None:
        await self.tell(Report(job_id=claim.job_id, claim_id=claim.claim_id, phase=phase))

    async def release(self, claim: Claim) -> None:
        await self.tell(Report(job_id=claim.job_id, claim_id=claim.claim_id, release=True))

    async def tell(self, report: Report) -> None:
        (refused,) = await self.client.report([report])
        if refused:
            raise refused


@dataclass
class World:
    """A server and whoever speaks to it."""

    server: Server
    stack: AsyncExitStack
    folder: Path

    @property
    def url(self) -> str:
        return self.server.url

    async def client(self, name: str, role: str = "user") -> Client:
        token = await self.server.parts.accounts.add(name, role)
        return await self.client_with(token)

    async def client_with(self, token: str | None) -> Client:
        return await self.stack.enter_async_context(Client(self.url, token, retry_s=0.5))

    async def listening(self, kind: str, count: int) -> None:
        """Returns when so many requests wait for claims, heartbeat, events or log."""
        async with asyncio.timeout(20):
            while self.server.parts.wakeups.listeners(kind) != count:
                await asyncio.sleep(0.01)

    async def executor(self, name: str = "box", **info: Any) -> Executor:
        return await Executor(await self.client(name, "executor"), executor_info(**info)).register()


Worlds = Callable[..., Awaitable[World]]


@pytest.fixture
async def make_world(tmp_path: Path) -> AsyncIterator[Worlds]:
    async with AsyncExitStack() as stack:

        async def make(config: Config | None = None, data: Path = tmp_path / "data", **settings: Any) -> World:
            made = Settings(data=data, port=0, config=config or Config(), **settings)
            server = await stack.enter_async_context(running(made))
            return World(server, await stack.enter_async_context(AsyncExitStack()), data)

        yield make


@pytest.fixture
async def world(make_world: Worlds) -> World:
    return await make_world()


@pytest.fixture
async def ada(world: World) -> Client:
    return await world.client("ada")


@pytest.fixture
async def bob(world: World) -> Client:
    return await world.client("bob")


@pytest.fixture
async def admin(world: World) -> Client:
    return await world.client("root", "admin")


@pytest.fixture
async def box(world: World) -> Executor:
    return await world.executor()


async def submit(client: Client, **changes: Any) -> Job:
    return await client.submit(spec(**changes))
