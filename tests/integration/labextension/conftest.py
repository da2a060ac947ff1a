"""A Jupyter server with the extension, and a browser's side of it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests_jupyter import Browser, JupyterProcess
from tests_processes import ServerProcess


@pytest.fixture(scope="session")
def jupyter(telerun_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterProcess]:
    """One Jupyter server that uses the tests' queue, at a path as JupyterHub gives it."""
    folder = tmp_path_factory.mktemp("jupyter")
    process = JupyterProcess(folder, telerun_server.environment(), base_url="/user/ada/")
    yield process
    process.stop()
    log = process.log.read_text()
    assert not [file for file in telerun_server.tokens.glob("*.token") if file.read_text().strip() in log]


@pytest.fixture
def start_jupyter(tmp_path: Path) -> Iterator[Callable[..., JupyterProcess]]:
    """Starts Jupyter servers of the test's own."""
    with ExitStack() as stack:

        def start(**more: Any) -> JupyterProcess:
            process = JupyterProcess(tmp_path / f"jupyter{secrets.token_hex(2)}", **more)
            stack.callback(process.stop)
            return process

        yield start


@pytest.fixture
async def open_browser(telerun_server: ServerProcess) -> AsyncIterator[Callable[[JupyterProcess], Browser]]:
    async with aiohttp.ClientSession() as session:
        tokens = tuple(file.read_text().strip() for file in telerun_server.tokens.glob("*.token"))
        assert tokens
        yield lambda jupyter: Browser(jupyter, session, tokens)


@pytest.fixture
def browser(jupyter: JupyterProcess, open_browser: Callable[[JupyterProcess], Browser]) -> Browser:
    return open_browser(jupyter)
