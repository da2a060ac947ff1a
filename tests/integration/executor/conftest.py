"""What a user does at the real server, in a call each."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests_processes import ServerProcess

from telerun_protocol.client import Client, file_ref
from telerun_protocol.messages import Event, Job, JobSpec, Limits
from telerun_protocol.states import Language, StreamId


class User:
    """A client that makes whole jobs."""

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
async def user(telerun_server: ServerProcess) -> AsyncIterator[User]:
    async with telerun_server.client() as client:
        yield User(client)


@pytest.fixture
def unique() -> str:
    return uuid.uuid4().hex


@pytest.fixture(scope="session")
def make_user() -> type[User]:
    """For tests with a server of their own."""
    return User
