"""A job in a person's hands."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from telerun_magic import io_thread, session
from telerun_magic.session import Feed
from telerun_magic.units import show_size
from telerun_protocol.codec import decode
from telerun_protocol.errors import Forbidden, InvalidMessage, JobCancelled, JobFailed, NotFound, TelerunError
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
from telerun_protocol.states import Phase, Reason, State, StreamId

MAX_SOURCE_BYTES = 1_000_000
STREAMS = {"stdout": StreamId.STDOUT, "stderr": StreamId.STDERR, "compile": StreamId.COMPILE}


class Output(bytes):
    """What a job wrote, byte for byte. `text` is it decoded; printing it prints the text."""

    @property
    def text(self) -> str:
        return self.decode("utf-8", "replace")

    def __str__(self) -> str:
        return self.text


class JobFile(bytes):
    """The content of a file that a job left, with its name and type."""

    path: str
    media_type: str

    @property
    def text(self) -> str:
        return self.decode("utf-8", "replace")

    def save(self, path: str | Path | None = None) -> Path:
        """Writes the file, by default under its own name in the current folder."""
        target = Path(path or ".")
        if target.is_dir():
            target = target / Path(self.path).name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self)
        return target

    def __repr__(self) -> str:
        return f"<JobFile {self.path} {show_size(len(self))}>"


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
        """What is known of the job; looked up anew in a forked process, where nobody fills the old one."""
        if self._known_feed.session.pid != os.getpid():
            self._known_feed = io_thread.call(session.find(self._known_feed.info.id))
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
        self._block(lambda: feed.is_final, timeout)
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
        await self._until(lambda: feed.is_final)
        feed.follow()
        await self._until(lambda: feed.log_complete)
        return self._result()

    def _block(self, ready: Callable[[], bool], timeout: float | None = None) -> None:
        """Waits in this thread until `ready`."""
        feed, deadline = self.feed, None if timeout is None else time.monotonic() + timeout
        while True:
            seen = feed.bell.count
            if ready():
                return
            if feed.error:
                raise feed.error
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"job {self.number} is still {feed.info.state} after {timeout:g} s")
            try:
                io_thread.wait(feed.bell.after(seen), left)
            except TimeoutError:
                continue

    async def _until(self, ready: Callable[[], bool]) -> None:
        """Waits in the caller's event loop, waking often: an idle kernel's loop does not notice an interrupt."""
        feed = self.feed
        while True:
            seen = feed.bell.count
            if ready():
                return
            if feed.error:
                raise feed.error
            await asyncio.wait([asyncio.wrap_future(feed.bell.after(seen))], timeout=io_thread.WAKE_S)

    @property
    def _end(self) -> Result:
        info = self.info
        return info.result or Result(state=info.state, reason=info.reason)

    def _result(self) -> JobResult:
        self.raise_for_state()
        end = self._end
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

    def raise_for_state(self) -> None:
        """Raises JobCancelled or JobFailed where the job ended so."""
        end, label = self._end, f"Job {self.number}"
        if self.state is State.CANCELLED:
            raise JobCancelled(f"{label} was cancelled.", items=(self.id,))
        if self.state is State.FAILED:
            why = end.message or f"It failed ({end.reason})."
            raise JobFailed(f"{label} failed. {why}", hint=end.hint or None, items=(self.id,))

    def cancel(self) -> None:
        """Asks for the job's end; `wait()` tells when it is there. A job that has ended stays as it is."""
        feed = self.feed
        feed.update(io_thread.call(feed.session.client.cancel(self.id)))

    # ------------------------------------------------------------------------------------------------ what it wrote

    @property
    def stdout(self) -> Output:
        """What it has printed so far, or in all."""
        self._read()
        return self._stream(StreamId.STDOUT)

    @property
    def stderr(self) -> Output:
        self._read()
        return self._stream(StreamId.STDERR)

    @property
    def compile_log(self) -> Output:
        self._read()
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
        return Output(b"".join(frame.payload for frame in list(self.feed.frames) if frame.stream == stream))

    def _read(self) -> None:
        if self.info.state.is_final:
            self._whole_log()
        elif not self.feed.follows:
            io_thread.call(self.feed.read_log())

    def _whole_log(self) -> None:
        feed = self.feed
        feed.follow()
        self._block(lambda: feed.log_complete)

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
            raise TelerunError(f"{artifact.path!r} of job {self.number} cannot be written: {error}.") from error
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
    return Job(io_thread.call(session.find(job)), source=source, line_offset=line_offset)


class JobFiles(Mapping[str, JobFile]):
    """The files of a job's `out/` folder."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._artifacts = {artifact.path: artifact for artifact in job.artifacts if artifact.kind == "output"}

    def __getitem__(self, path: str) -> JobFile:
        artifact = self._artifacts.get(path) or self._artifacts.get(path.removeprefix("out/"))
        if artifact is None:
            raise KeyError(f"job {self._job.number} left no file {path!r}; it left {', '.join(self) or 'none'}")
        file = JobFile(self._job.download(artifact.path))
        file.path, file.media_type = artifact.path, artifact.media_type
        return file

    def __iter__(self) -> Iterator[str]:
        return iter(self._artifacts)

    def __len__(self) -> int:
        return len(self._artifacts)

    def __repr__(self) -> str:
        files = (f"{path} ({show_size(artifact.size_bytes)})" for path, artifact in self._artifacts.items())
        return f"<files of job {self._job.number}: {', '.join(files) or 'none'}>"


class Lines:
    """The lines of a job's output, whole ones, without their ends."""

    def __init__(self, job: Job, streams: set[int]) -> None:
        self._job = job
        self._streams = streams
        self._position = 0
        self._rest: dict[int, bytes] = {}

    def __iter__(self) -> Iterator[str]:
        feed = self._job.feed
        feed.follow()
        while True:
            at_end = feed.log_complete
            yield from self._arrived(feed)
            if at_end:
                yield from self._last()
                return
            self._job._block(lambda: len(feed.frames) > self._position or feed.log_complete)

    async def __aiter__(self) -> AsyncIterator[str]:
        feed = self._job.feed
        feed.follow()
        while True:
            at_end = feed.log_complete
            for line in self._arrived(feed):
                yield line
            if at_end:
                for line in self._last():
                    yield line
                return
            await self._job._until(lambda: len(feed.frames) > self._position or feed.log_complete)

    def _arrived(self, feed: Feed) -> Iterator[str]:
        while self._position < len(feed.frames):
            frame = feed.frames[self._position]
            self._position += 1
            if frame.stream in self._streams:
                *lines, rest = (self._rest.pop(frame.stream, b"") + frame.payload).split(b"\n")
                self._rest[frame.stream] = rest
                for line in lines:
                    yield line.decode("utf-8", "replace")

    def _last(self) -> Iterator[str]:
        for rest in self._rest.values():
            if rest:
                yield rest.decode("utf-8", "replace")
        self._rest.clear()
