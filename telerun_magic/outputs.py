"""What a job printed and left, as values: bytes with a text, files by name, lines as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from telerun_protocol.units import show_size

if TYPE_CHECKING:
    from telerun_magic.job_handle import Job
    from telerun_magic.session import Feed


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
            feed.wait_for(lambda: len(feed.frames) > self._position or feed.log_complete)

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
            await feed.until(lambda: len(feed.frames) > self._position or feed.log_complete)

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
