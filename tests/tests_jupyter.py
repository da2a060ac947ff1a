"""A real Jupyter server with the extension, as a process of its own, and a browser's side of it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import unused_port
from multidict import CIMultiDictProxy
from yarl import URL

START_S = 60


class JupyterProcess:
    """`jupyter server` on a free port of 127.0.0.1, with folders of the test's."""

    def __init__(self, folder: Path, env: dict[str, str], base_url: str = "/", options: tuple[str, ...] = ()) -> None:
        self.root = folder / "root"
        self.log = folder / "jupyter.log"
        self.token = secrets.token_hex(16)
        self.root.mkdir(parents=True)
        runtime = folder / "runtime"
        self.environment = {**os.environ, **env, "JUPYTER_RUNTIME_DIR": str(runtime), "HOME": str(folder)}
        argv = [
            sys.executable,
            "-m",
            "jupyter_server",
            "--no-browser",
            "--allow-root",
            f"--ServerApp.port={unused_port()}",
        ]
        argv += [f"--ServerApp.root_dir={self.root}", f"--ServerApp.base_url={base_url}"]
        argv += [
            f"--IdentityProvider.token={self.token}",
            "--ServerApp.ip=127.0.0.1",
            "--ServerApp.port_retries=0",
            *options,
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, env=self.environment, stdout=log, stderr=log)
        self.url = self._await(runtime / f"jpserver-{self.process.pid}.json")

    def _await(self, file: Path) -> str:
        """Its address, once it takes connections: the file that tells it comes a moment earlier."""
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            if file.exists() and (text := file.read_text()).endswith("}"):
                told = json.loads(text)
                with suppress(OSError), socket.create_connection(("127.0.0.1", told["port"]), timeout=5):
                    return str(told["url"])
            time.sleep(0.05)
        raise AssertionError(f"the Jupyter server did not start:\n{self.log.read_text()}")

    def lines(self, *words: str) -> list[str]:
        """Lines of its log that have all of these words."""
        return [line for line in self.log.read_text().splitlines() if all(word in line for word in words)]

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(START_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@dataclass(frozen=True)
class Answer:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """Logged in to Jupyter. Nothing that it gets may hold one of `secrets`."""

    def __init__(self, jupyter: JupyterProcess, session: aiohttp.ClientSession, kept: tuple[str, ...]) -> None:
        self.jupyter = jupyter
        self.session = session
        self.api = f"{jupyter.url}telerun/api/"
        self._kept = kept
        self.headers = {"Authorization": f"token {jupyter.token}"}

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        more["headers"] = {**self.headers, **more.get("headers", {})}
        url = URL(self.api + path, encoded=True)
        async with self.session.request(method, url, **more) as response:
            answer = Answer(response.status, response.headers, await response.read())
        self.check(repr(answer))
        return answer

    async def get(self, path: str, **more: Any) -> Any:
        answer = await self.ask("GET", path, **more)
        assert answer.status == 200, answer
        return answer.json

    async def post(self, path: str, body: object = None) -> Any:
        answer = await self.ask("POST", path, json=body)
        assert answer.status == 200, answer
        return answer.json

    async def submit(self, source: str, language: str = "sh", **options: Any) -> dict[str, Any]:
        """A job that ran to its end."""
        submitted = await self.post("submit-source", {"source": source, "options": {"language": language, **options}})
        return await self.ended(submitted["job"]["id"])

    async def ended(self, job: str) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while True:
                found = await self.get(f"jobs/{job}")
                if found["state"] in ("succeeded", "failed", "cancelled"):
                    return dict(found)
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        async with self.session.ws_connect(self.api + "events", headers=self.headers) as websocket:
            yield Tab(websocket, self.check)

    def check(self, text: str) -> None:
        assert not [secret for secret in self._kept if secret in text]


class Tab:
    """What a page hears."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse, check: Callable[[str], None]) -> None:
        self.websocket = websocket
        self._check = check

    async def next(self, kind: str | None = None) -> dict[str, Any]:
        """The next message, or the next one of a kind."""
        async with asyncio.timeout(60):
            while True:
                text = await self.websocket.receive_str()
                self._check(text)
                message = json.loads(text)
                if kind is None or message["type"] == kind:
                    return dict(message)

    async def until(self, job: str, kind: str) -> list[str]:
        """The kinds of a job's events up to this one."""
        kinds: list[str] = []
        while kind not in kinds:
            event = (await self.next("event"))["event"]
            if event["job"]["id"] == job:
                kinds.append(event["kind"])
        return kinds
