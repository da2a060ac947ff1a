"""The reference client: one method a route. How requests are sent and repeated stands in `http_client`."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path

import aiohttp

from telerun_protocol import routes
from telerun_protocol.codec import decode, error_from
from telerun_protocol.errors import InvalidMessage, MissingBlobs, NotFound, TelerunError, TooLarge
from telerun_protocol.http_client import BLOCK_BYTES, HttpClient, server_sent
from telerun_protocol.logframes import Frame, FrameDecoder
from telerun_protocol.messages import (
    MOST_AT_ONCE,
    ClaimList,
    ClaimRequest,
    Event,
    ExecutorInfo,
    ExecutorList,
    ExecutorTerms,
    FileRef,
    Heartbeat,
    HeartbeatRequest,
    Job,
    JobList,
    JobSpec,
    LogSize,
    Principal,
    Report,
    ReportAnswers,
    Reports,
    ServiceLimits,
    Submit,
    SubmitAnswers,
    Submits,
    Version,
)

Contents = Mapping[str, bytes | Path]  # by sha256


class Client(HttpClient):
    """Speaks to one Telerun server as one principal. Use it as an async context manager."""

    # ------------------------------------------------------------------------------------------------- everybody

    async def version(self) -> Version:
        return await self._call(Version, "GET", routes.VERSION)

    async def me(self) -> Principal:
        return await self._call(Principal, "GET", routes.ME)

    async def limits(self) -> ServiceLimits:
        return await self._call(ServiceLimits, "GET", routes.LIMITS)

    async def executors(self, *, history: bool = False) -> ExecutorList:
        """`history` brings the readings of their devices of the last minutes, not just the latest."""
        params = {"history": "true"} if history else None
        return await self._call(ExecutorList, "GET", routes.EXECUTORS, params=params)

    # ---------------------------------------------------------------------------------------------------- blobs

    async def upload(self, content: bytes | Path, *, claim: tuple[str, str] | None = None, again: bool = False) -> str:
        """Stores a blob, unless the server has it from us already; returns its sha256.

        `claim` is (job id, claim id), for what an executor uploads on behalf of a job. `again` sends it in any case.
        """
        sha256 = await asyncio.to_thread(_sha256, content) if isinstance(content, Path) else _sha256(content)
        path, headers = routes.fill(routes.BLOB, sha256=sha256), _of_claim(claim)
        large = isinstance(content, Path) or len(content) > BLOCK_BYTES
        if large and not again and await self._has(path, headers):
            return sha256
        await self._call(dict, "PUT", path, body=content, headers=headers)
        return sha256

    async def _has(self, path: str, headers: dict[str, str]) -> bool:
        async def once() -> bool:
            try:
                async with await self.open("HEAD", path, headers=headers):
                    return True
            except NotFound:
                return False

        return await self._retrying()(once)

    async def download(self, sha256: str, *, claim: tuple[str, str] | None = None) -> AsyncIterator[bytes]:
        """The blocks of a blob, in order, complete and verified, or an error."""
        async for block in self._download(routes.fill(routes.BLOB, sha256=sha256), sha256, _of_claim(claim)):
            yield block

    async def file(self, job: str, path: str, sha256: str) -> AsyncIterator[bytes]:
        """The blocks of a file that a job left."""
        async for block in self._download(routes.fill(routes.FILE, job=job, path=path), sha256, {}):
            yield block

    async def _download(self, path: str, sha256: str, headers: dict[str, str]) -> AsyncIterator[bytes]:
        digest, position = hashlib.sha256(), 0
        while True:
            ranged = {**headers, "Range": f"bytes={position}-"} if position else headers
            response: aiohttp.ClientResponse = await self._retrying()(self.open, "GET", path, headers=ranged)
            try:
                async with response:
                    async for block in response.content.iter_chunked(BLOCK_BYTES):
                        digest.update(block)
                        position += len(block)
                        yield block
                break
            except (aiohttp.ClientError, TimeoutError) as error:
                await self._broken(error)
        if digest.hexdigest() != sha256:
            raise InvalidMessage("The file arrived damaged: its content does not have the announced sha256.")

    # ----------------------------------------------------------------------------------------------------- jobs

    async def submit(self, spec: JobSpec, idempotency_key: str | None = None) -> Job:
        """Queues a job whose files are uploaded. Without a key, one is made for this call and its retries."""
        return await self._call(
            Job, "POST", routes.JOBS, Submit(spec=spec, idempotency_key=idempotency_key or uuid.uuid4().hex)
        )

    async def submit_batch(self, submits: Sequence[Submit]) -> list[Job | TelerunError]:
        """Queues at most MOST_AT_ONCE jobs whose files are uploaded; for each the job or its refusal."""
        answers = (await self._call(SubmitAnswers, "POST", routes.BATCH, Submits(submits=tuple(submits)))).answers
        if len(answers) != len(submits):
            raise InvalidMessage(f"The server answered {len(answers)} of {len(submits)} submits.")
        return [error_from(one.problem) if one.problem else one.job or InvalidMessage() for one in answers]

    async def submit_with(self, spec: JobSpec, contents: Contents) -> Job:
        """Uploads `contents` (by sha256) and submits."""
        await self._upload_all(contents, contents)
        return await self._submit(spec, uuid.uuid4().hex, contents)

    async def submit_many_with(self, specs: Iterable[JobSpec], contents: Contents) -> list[Job]:
        """Uploads `contents` (by sha256) and submits all, many in a request; raises the first refusal."""
        await self._upload_all(contents, contents)
        submits = [Submit(spec=spec, idempotency_key=uuid.uuid4().hex) for spec in specs]
        jobs: list[Job] = []
        for start in range(0, len(submits), MOST_AT_ONCE):
            batch = submits[start : start + MOST_AT_ONCE]
            try:
                answers = await self.submit_batch(batch)
            except TooLarge as error:
                answers = [error for _ in batch]
            for one, answer in zip(batch, answers, strict=True):
                if isinstance(answer, Job):
                    jobs.append(answer)
                else:  # by itself it may pass, or it tells why not
                    jobs.append(await self._submit(one.spec, one.idempotency_key, contents))
        return jobs

    async def _submit(self, spec: JobSpec, key: str, contents: Contents) -> Job:
        try:
            return await self.submit(spec, key)
        except MissingBlobs as error:  # purged in between, or known to the server only as what a job left
            await self._upload_all(contents, error.items, again=True)
            return await self.submit(spec, key)

    async def _upload_all(self, contents: Contents, wanted: Iterable[str], *, again: bool = False) -> None:
        """Raises the first failure by itself; InvalidMessage for a file that can no longer be read."""
        failed: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for sha256 in wanted:
                    if sha256 in contents:
                        group.create_task(self.upload(contents[sha256], again=again))
        except ExceptionGroup as failures:
            failed = failures.exceptions[0]  # one is enough to tell
        if isinstance(failed, OSError):
            raise InvalidMessage(f"{failed.filename} cannot be read: {failed.strerror}.") from failed
        if failed:  # raised here it has no group for its context: IPython shows the whole traceback of one that has
            raise failed

    async def job(self, job: str) -> Job:
        return await self._call(Job, "GET", routes.fill(routes.JOB, job=job))

    async def jobs(self, **filters: str) -> JobList:
        """The principal's jobs, newest first. Filters: state, notebook, tag, name, before, limit, owner (admins)."""
        return await self._call(JobList, "GET", routes.JOBS, params=filters)

    async def cancel(self, job: str) -> Job:
        return await self._call(Job, "POST", routes.fill(routes.CANCEL, job=job), {})

    async def log(self, job: str, *, offset: int = 0, follow: bool = False) -> AsyncIterator[Frame]:
        """The frames of a job's log from a byte offset on; with `follow` until the job has ended, across reconnects."""
        async for _, frame in self.log_with_offsets(job, offset=offset, follow=follow):
            yield frame

    async def log_with_offsets(
        self, job: str, *, offset: int = 0, follow: bool = False
    ) -> AsyncIterator[tuple[int, Frame]]:
        """Like `log`, each frame with the offset after it."""
        decoder = FrameDecoder(offset)
        path = routes.fill(routes.LOG, job=job)
        while True:
            params = {"offset": str(decoder.offset), "follow": "true" if follow else "false"}
            response: aiohttp.ClientResponse = await self._retrying()(self.open, "GET", path, params=params)
            try:
                async with response:
                    async for data in response.content.iter_any():
                        for frame in decoder.feed(data):
                            yield decoder.offset, frame
                return
            except (aiohttp.ClientError, TimeoutError) as error:
                decoder.reset()
                await self._broken(error)

    async def events(self, after: int | None = None) -> AsyncIterator[Event]:
        """Every change of the principal's jobs from now on, or after an event id; reconnects by itself, for ever."""
        while True:
            headers = {"Accept": "text/event-stream"} | ({} if after is None else {"Last-Event-ID": str(after)})
            response: aiohttp.ClientResponse = await self._retrying()(self.open, "GET", routes.EVENTS, headers=headers)
            try:
                async with response:
                    async for number, data in server_sent(response):
                        after = number
                        yield decode(data, Event)
            except (aiohttp.ClientError, TimeoutError) as error:
                await self._broken(error)

    # ------------------------------------------------------------------------------------------------ executors

    async def register(self, info: ExecutorInfo) -> ExecutorTerms:
        return await self._call(ExecutorTerms, "POST", routes.REGISTER, info)

    async def claim(self, request: ClaimRequest) -> ClaimList:
        return await self._call(ClaimList, "POST", routes.CLAIMS, request)

    async def heartbeat(self, request: HeartbeatRequest) -> Heartbeat:
        return await self._call(Heartbeat, "POST", routes.HEARTBEAT, request)

    async def report(self, reports: Sequence[Report]) -> list[TelerunError | None]:
        """Tells what has become of jobs, at most MOST_AT_ONCE reports; for each the refusal, or None."""
        answers = await self._call(ReportAnswers, "POST", routes.REPORTS, Reports(reports=tuple(reports)))
        if len(answers.problems) != len(reports):
            raise InvalidMessage(f"The server answered {len(answers.problems)} of {len(reports)} reports.")
        return [error_from(problem) if problem else None for problem in answers.problems]

    async def append_log(self, job: str, claim_id: str, offset: int, frames: bytes) -> int:
        """Appends whole frames at `offset`; bytes the server has are not written twice. Returns the log's size."""
        headers = {routes.CLAIM_HEADER: claim_id, routes.OFFSET_HEADER: str(offset)}
        size = await self._call(LogSize, "POST", routes.fill(routes.LOG, job=job), body=frames, headers=headers)
        return size.size_bytes


def _of_claim(claim: tuple[str, str] | None) -> dict[str, str]:
    return {routes.ARTIFACT_HEADER: claim[0], routes.CLAIM_HEADER: claim[1]} if claim else {}


def _sha256(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_ref(path: str, content: bytes | Path, *, executable: bool = False) -> FileRef:
    """The reference to put into a spec for a file with this content."""
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    return FileRef(path=path, sha256=_sha256(content), size_bytes=size, executable=executable)
