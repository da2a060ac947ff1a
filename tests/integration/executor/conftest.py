"""A real server and a real executor, as processes, and a client that speaks to them as a user."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from telerun_protocol.client import Client, file_ref
from telerun_protocol.messages import Event, Job, JobSpec, Limits
from telerun_protocol.states import Language, StreamId

START_WITHIN_S = 60


class ServerProcess:
    """A server that can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = 0
        self._config = folder / "server.toml"
        self._config.write_text("lease_s = 4\nheartbeat_s = 1\n")
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    @property
    def accounts(self) -> Path:
        return self._folder / "accounts"

    def start(self) -> None:
        reading, writing = os.pipe()
        with (self._folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "telerun_server", "run", "--data", str(self._folder / "data"),
                 "--port", str(self._port), "--accounts-for-run", str(self.accounts), "--config", str(self._config)],
                env={**os.environ, "TELERUN_READY_FD": str(writing)}, pass_fds=(writing,), stderr=log,
            )  # fmt: skip
        os.close(writing)
        with os.fdopen(reading) as ready:
            self.url = ready.readline().strip()
        assert self.url, (self._folder / "server.log").read_text()
        self._port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        assert self.process
        self.process.terminate()
        self.process.wait(30)


@dataclass
class ExecutorProcess:
    server: ServerProcess
    work_dir: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None
    log: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "telerun_executor", "run", "--server", self.server.url,
             "--token-file", str(self.server.accounts / "executor.token"), "--work-dir", str(self.work_dir),
             "--no-gpu", *self.options],
            stderr=subprocess.PIPE, text=True, env={**os.environ, "SECRET_OF_THE_EXECUTOR": "hunter2"},
        )  # fmt: skip
        self.wait_for(" ready ")

    def wait_for(self, text: str) -> None:
        assert self.process
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line)
            if text in line:
                return
        raise AssertionError("".join(self.log))

    def finish(self) -> int:
        """Waits for its end, with the rest of its log."""
        assert self.process
        rest = self.process.communicate(timeout=60)[1]
        self.log += rest.splitlines(keepends=True)
        return self.process.returncode


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("server"))
    process.start()
    yield process
    process.stop()


@pytest.fixture
def start_executor(server: ServerProcess, tmp_path: Path) -> Iterator[Callable[..., ExecutorProcess]]:
    """Starts an executor of this test's own; whatever is still alive at the end is stopped."""
    started: list[ExecutorProcess] = []

    def start(*options: str, work_dir: Path | None = None) -> ExecutorProcess:
        executor = ExecutorProcess(server, work_dir or tmp_path / "executor", options)
        executor.start()
        started.append(executor)
        return executor

    yield start
    for executor in started:
        assert executor.process
        if executor.process.poll() is None:
            executor.process.terminate()
        executor.finish()


@pytest.fixture(scope="module")
def executor(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExecutorProcess]:
    process = ExecutorProcess(server, tmp_path_factory.mktemp("executor"), ("--slots", "2"))
    process.start()
    yield process
    assert process.process
    process.process.terminate()
    assert process.finish() == 0, "".join(process.log)


class User:
    """What a user does, in a call each."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def submit(
        self,
        language: Language,
        files: dict[str, str | bytes] | str | bytes | None = None,
        *,
        inputs: dict[str, bytes] | None = None,
        stdin: bytes | None = None,
        limits: dict[str, Any] | None = None,
        executable: bool = False,
        **fields: Any,
    ) -> Job:
        if isinstance(files, str | bytes):
            files = {f"main.{language.value}": files}
        contents = {path: text.encode() if isinstance(text, str) else text for path, text in (files or {}).items()}
        refs = {path: file_ref(path, content, executable=executable) for path, content in contents.items()}
        input_refs = {path: file_ref(path, content) for path, content in (inputs or {}).items()}
        stdin_ref = file_ref("stdin", stdin) if stdin is not None else None
        spec = JobSpec(
            language=language,
            files=tuple(refs.values()),
            inputs=tuple(input_refs.values()),
            stdin=stdin_ref,
            limits=Limits(**(limits or {})),
            **fields,
        )
        blobs: dict[str, bytes | Path] = {ref.sha256: contents[path] for path, ref in refs.items()}
        blobs |= {ref.sha256: (inputs or {})[path] for path, ref in input_refs.items()}
        if stdin_ref and stdin is not None:
            blobs[stdin_ref.sha256] = stdin
        return await self.client.submit_with(spec, blobs)

    async def run(self, language: Language, files: Any = None, **fields: Any) -> Finished:
        job = await self.submit(language, files, **fields)
        return await self.finished(job.id)

    async def finished(self, job_id: str) -> Finished:
        """Waits for the end by following the log."""
        streams: dict[int, bytes] = {}
        async for frame in self.client.log(job_id, follow=True):
            streams[frame.stream] = streams.get(frame.stream, b"") + frame.payload
        return Finished(self, await self.client.job(job_id), streams)

    async def until(self, job_id: str, holds: Callable[[Job], bool]) -> Job:
        """Waits until something holds of a job, by its events."""
        events: AsyncIterator[Event] = self.client.events(after=0)
        async for event in events:
            if event.job.id == job_id and holds(event.job):
                return event.job
        raise AssertionError("the events ended")


@dataclass
class Finished:
    user: User
    job: Job
    streams: dict[int, bytes]

    @property
    def result(self) -> Any:
        assert self.job.result, self.job
        return self.job.result

    @property
    def stdout(self) -> bytes:
        return self.streams.get(StreamId.STDOUT, b"")

    @property
    def stderr(self) -> bytes:
        return self.streams.get(StreamId.STDERR, b"")

    @property
    def compile_log(self) -> bytes:
        return self.streams.get(StreamId.COMPILE, b"")

    async def file(self, path: str) -> bytes:
        artifact = next(one for one in self.result.artifacts if one.path == path)
        return b"".join([block async for block in self.user.client.file(self.job.id, path, artifact.sha256)])


@pytest.fixture
async def user(server: ServerProcess) -> AsyncIterator[User]:
    token = (server.accounts / "user.token").read_text().strip()
    async with Client(server.url, token) as client:
        yield User(client)


@pytest.fixture
def unique() -> str:
    return uuid.uuid4().hex
