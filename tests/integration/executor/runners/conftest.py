"""A runner of each kind, one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from tests_runners import RUNNERS, Taker

from telerun_executor.runners.base import Box, Runner, Terms
from telerun_executor.workspace import Workspace
from telerun_protocol.messages import Device, Limits


@pytest.fixture(params=RUNNERS.values(), ids=RUNNERS)
async def runner(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runner]:
    runner: Runner = request.param(tmp_path)
    await runner.start(2)
    yield runner
    await runner.close()


@pytest.fixture
async def workspace(runner: Runner) -> AsyncIterator[Workspace]:
    async with runner.workspace("job") as workspace:
        yield workspace


@pytest.fixture
def box(runner: Runner, workspace: Workspace) -> Callable[..., AbstractAsyncContextManager[Box]]:
    def open_box(devices: tuple[Device, ...] = (), **limits: Any) -> AbstractAsyncContextManager[Box]:
        return runner.open(workspace, Limits(**limits), Terms(devices=devices))

    return open_box


@pytest.fixture
def taker() -> Taker:
    return Taker()
