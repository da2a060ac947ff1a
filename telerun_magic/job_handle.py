"""A job in a person's hands."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from telerun_magic import io_thread, session
from telerun_magic.last_words import last_words
from telerun_magic.outputs import JobFiles, Lines, Output
from telerun_magic.session import Feed
from telerun_protocol.codec import decode
from telerun_protocol.errors import (
    Forbidden,
    InvalidMessage,
    JobCancelled,
    JobFailed,
    NotFound,
    ServerUnreachable,
    TelerunError,
)
from telerun_protocol.listing import LISTING_PATH, AsmListing
from telerun_protocol.messages import (
    Artifact,
    Device,
    Diagnostic,
    JobSpec,
    KernelResources,
    Result,
    Step,
    check_path,
)
from telerun_protocol.messages import Job as JobInfo
from telerun_protocol.states import STREAMS, Phase, Reason, State, StreamId

MAX_SOURCE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """How a job ended and what it left."""

    job: Job
    stdout: Output
    stderr: Output
    compile_log: Output
    exit_code: int | None
    steps: tuple[Step, ...]
    kernels: tuple[KernelResources, ...]
    diagnostics: tuple[Diagnostic, ...]
    devices: tuple[Device, ...]

    @property
    def files(self) -> JobFiles:
        return self.job.files

    @property
    def asm(self) -> AsmListing | None:
        return self.job.asm


class Job:
    """A job on the server: look at it, wait for it, read what it prints, take its files, cancel it.

    `source` and `line_offset` (from a line of the source to the line of the notebook cell) are for showing it.
    """

    def __init__(self, feed: Feed, *, source: str | None = None, line_offset: int = 0) -> None:
        self._known_feed = feed
        self.source = source
        self.line_offset = line_offset
        self._downloads: dict[str, bytes] = {}

    @property
    def feed(self) -> Feed:
        """What is known of the job. Looked up anew where nobody fills the old one: in a fork, or at a new address."""
        known = self._known_feed
        if known.session.pid != os.getpid() or isinstance(known.error, ServerUnreachable):
            self._known_feed = _feed_of(self.id)
            self._known_feed.again()
        return self._known_feed

    # ------------------------------------------------------------------------------------------------ what it is

    @property
    def info(self) -> JobInfo:
        return self.feed.info

    @property
    def id(self) -> str:
        return self._known_feed.info.id

    @property
    def number(self) -> int:
        return self._known_feed.info.number

    @property
    def name(self) -> str | None:
        return self._known_feed.info.spec.name

    @property
    def spec(self) -> JobSpec:
        return self._known_feed.info.spec

    @property
    def state(self) -> State:
        return self.info.state

    @property
    def phase(self) -> Phase | None:
        return self.info.phase

    @property
    def reason(self) -> Reason | None:
        return self.info.reason

    @property
    def exit_code(self) -> int | None:
        return self._end.exit_code

    def status(self) -> JobInfo:
        """The job as the server knows it now."""
        feed = self.feed
        feed.update(io_thread.call(feed.session.client.job(self.id)))
        return feed.info

    def __reduce__(self) -> tuple[Any, ...]:
        """Travels to another process as its id: there, it is looked up anew."""
        return _found_again, (self.id, self.source, self.line_offset)

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        why = f" ({self.info.reason})" if self.info.reason else ""
        return f"<Job {self.number}{name} {self.state}{why}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from telerun_magic import show  # noqa: PLC0415 - rendering is not needed to run jobs

        return show.bundle(self)

    # ------------------------------------------------------------------------------------------------ waiting for it

    def wait(self, timeout: float | None = None) -> Job:
        """Blocks until the job has ended, however it did; raises TimeoutError after `timeout` seconds."""
        feed = self.feed
        feed.again()
        feed.wait_for(lambda: feed.is_final, timeout)
        return self

    def result(self, timeout: float | None = None) -> JobResult:
        """Blocks until the job has ended and gives what came of it; raises JobFailed, JobCancelled, TimeoutError."""
        self.wait(timeout)
        self._whole_log()
        return self._result()

    def __await__(self) -> Generator[Any, None, JobResult]:
        return self._awaited().__await__()

    async def _awaited(self) -> JobResult:
        feed = self.feed
        feed.again()
        await feed.until(lambda: feed.is_final)
        feed.follow()
        await feed.until(lambda: feed.log_complete)
        return self._result()

    @property
    def _end(self) -> Result:
        info = self.info
        return info.result or Result(state=info.state, reason=info.reason)

    def _result(self) -> JobResult:
        end = self._end
        if self.state is not State.SUCCEEDED:
            self.raise_for_state(last_words(end, self._stream(StreamId.STDERR).text))
        return JobResult(
            job=self,
            stdout=self._stream(StreamId.STDOUT),
            stderr=self._stream(StreamId.STDERR),
            compile_log=self._stream(StreamId.COMPILE),
            exit_code=end.exit_code,
            steps=end.steps,
            kernels=end.kernels,
            diagnostics=end.diagnostics,
            devices=end.devices,
        )

    def raise_for_state(self, words: str = "") -> None:
        """Raises JobCancelled or JobFailed where the job ended so. `words` are its own, for where nobody saw them."""
        end, label = self._end, f"Job {self.number}"
        if self.state is State.CANCELLED:
            raise JobCancelled(f"{label} was cancelled.", items=(self.id,))
        if self.state is State.FAILED:
            why = end.message or f"It failed ({end.reason})."
            said = f" It said: {words.rstrip('.')}." if words else ""
            raise JobFailed(f"{label} failed. {why}{said}", hint=end.hint or None, items=(self.id,))

    def cancel(self) -> None:
        """Asks for the job's end; `wait()` tells when it is there. A job that has ended stays as it is."""
        feed = self.feed
        feed.update(io_thread.call(feed.session.client.cancel(self.id)))

    # ------------------------------------------------------------------------------------------------ what it wrote

    @property
    def stdout(self) -> Output:
        """What it has printed so far, or in all."""
        self.read()
        return self._stream(StreamId.STDOUT)

    @property
    def stderr(self) -> Output:
        self.read()
        return self._stream(StreamId.STDERR)

    @property
    def compile_log(self) -> Output:
        self.read()
        return self._stream(StreamId.COMPILE)

    def logs(self, stream: str | None = None) -> Lines:
        """The lines of its output as they come, until it ends, by `for` or `async for`.

        `stream` is "stdout", "stderr" or "compile"; None gives stdout and stderr together.
        """
        if stream is not None and stream not in STREAMS:
            raise InvalidMessage(f"There is no stream {stream!r}.", hint=f"Choose from {', '.join(STREAMS)}.")
        wanted = {STREAMS[stream]} if stream else {StreamId.STDOUT, StreamId.STDERR}
        return Lines(self, wanted)

    def _stream(self, stream: int) -> Output:
        return Output(b"".join(self.feed.payloads[stream]))

    def read(self) -> None:
        """Fetches what it has printed so far; all of it, once it has ended."""
        if self.info.state.is_final:
            self._whole_log()
        elif not self.feed.follows:
            io_thread.call(self.feed.read_log())

    def _whole_log(self) -> None:
        feed = self.feed
        feed.follow()
        feed.wait_for(lambda: feed.log_complete)

    # ------------------------------------------------------------------------------------------------ what it left

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Everything it left, its own files and the compilers' ones."""
        return self._end.artifacts

    @property
    def files(self) -> JobFiles:
        """The files it left in `out/`, by name; each is fetched when it is asked for."""
        return JobFiles(self)

    @property
    def asm(self) -> AsmListing | None:
        """The assembly with the source lines it came from; None where none was asked for."""
        if any(artifact.path == LISTING_PATH for artifact in self.artifacts):
            return decode(self.download(LISTING_PATH), AsmListing)
        return None

    def download(self, path: str) -> bytes:
        """The content of one artifact."""
        if path not in self._downloads:
            found = next((artifact for artifact in self.artifacts if artifact.path == path), None)
            if found is None:
                raise NotFound(f"Job {self.number} left no file {path!r}.")
            self._downloads[path] = io_thread.call(self._fetch(found))
        return self._downloads[path]

    async def _fetch(self, artifact: Artifact) -> bytes:
        client = self.feed.session.client
        return b"".join([block async for block in client.file(self.id, artifact.path, artifact.sha256)])

    def save(self, folder: str | Path = ".") -> list[Path]:
        """Writes every file it left below a folder; returns their paths."""
        return [self._save(artifact, Path(folder)) for artifact in self.artifacts if artifact.kind == "output"]

    def _save(self, artifact: Artifact, folder: Path) -> Path:
        target = folder / artifact.path
        try:
            check_path(artifact.path)
            if not target.resolve().is_relative_to(folder.resolve()):
                raise ValueError(f"it leads out of {folder}")
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                io_thread.call(self._copy(artifact, file))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise TelerunError(f"{target}, left by job {self.number}, cannot be written: {why}.") from error
        return target

    async def _copy(self, artifact: Artifact, file: BinaryIO) -> None:
        async for block in self.feed.session.client.file(self.id, artifact.path, artifact.sha256):
            file.write(block)

    def fetch_source(self) -> str | None:
        """The text of its main file, where the server still has it and it is a text."""
        ref = next((file for file in self.spec.files if file.path == self.spec.main_path), None)
        if ref is None or ref.size_bytes > MAX_SOURCE_BYTES:
            return None
        try:
            return io_thread.call(self._blob(ref.sha256)).decode()
        except (NotFound, Forbidden, UnicodeDecodeError):
            return None

    async def _blob(self, sha256: str) -> bytes:
        return b"".join([block async for block in self.feed.session.client.download(sha256)])


def _found_again(job: str, source: str | None, line_offset: int) -> Job:
    return Job(_feed_of(job), source=source, line_offset=line_offset)


def _feed_of(job: str) -> Feed:
    return io_thread.call(session.connected().find(job))
