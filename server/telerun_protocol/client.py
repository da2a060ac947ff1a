"""The reference client: one method a route, and the only place that retries.

Every request can be repeated without harm (submits and claims carry a key, log appends an offset, the rest is
idempotent), so whatever may have been lost on the way is simply sent again.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import ssl
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_delay
from tenacity.wait import wait_exponential, wait_random

from telerun_protocol import routes
from telerun_protocol.codec import decode, encode, error_from, error_of
from telerun_protocol.errors import (
    InvalidMessage,
    MissingBlobs,
    NotFound,
    ServerNotTrusted,
    ServerUnreachable,
    TelerunError,
    TooLarge,
)
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

T = TypeVar("T")
Contents = Mapping[str, bytes | Path]  # by sha256
BLOCK_BYTES = 1 << 18
RECONNECT_S = 0.1
RETRIED_STATUSES = frozenset({429, 502, 503, 504})
_backoff = wait_exponential(multiplier=0.05, max=5.0) + wait_random(0, 0.1)


class Client:
    """Speaks to one Telerun server as one principal.

    Use it as an async context manager. `token` may be a string or a function that returns it anew for each request
    (a token that was rotated is then picked up). `retry_s` is how long a request is repeated before it fails with
    ServerUnreachable; `on_retry` hears of each repetition. `also_retry` are further errors to take for passing ones, as
    Unauthorized while a token is being replaced.
    """

    def __init__(
        self,
        url: str,
        token: str | Callable[[], str] | None = None,
        *,
        ca_file: Path | None = None,
        retry_s: float = 60.0,
        on_retry: Callable[[TelerunError], None] | None = None,
        also_retry: tuple[type[TelerunError], ...] = (),
        user_agent: str = "telerun",
    ) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._ssl: ssl.SSLContext | bool = ssl.create_default_context(cafile=str(ca_file)) if ca_file else True
        self._retry_s = retry_s
        self._on_retry = on_retry
        self._retried_errors: tuple[type[TelerunError], ...] = (ServerUnreachable, *also_retry)
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=75),
            connector=aiohttp.TCPConnector(limit=0, ssl=self._ssl),
            headers={"User-Agent": self._user_agent},
            skip_auto_headers=("Accept", "Accept-Encoding"),  # what is compressed cannot be resumed by ranges
            trust_env=not self.url.startswith(("http://127.", "http://localhost", "http://[::1]")),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    # ------------------------------------------------------------------------------------------------- transport

    def _headers(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        token = self._token() if callable(self._token) else self._token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return {**headers, **(extra or {})}

    async def open(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: bytes | Path | None = None,
        headers: dict[str, str] | None = None,
    ) -> aiohttp.ClientResponse:
        """One request, not repeated: the response once its headers are there, for the caller to read and close.

        Every status of 300 and above is raised as its error. For those who pass the bytes of an answer on as they are.
        """
        assert self._session, "use the client as an async context manager"
        data: Any = body
        if isinstance(body, Path):
            data = body.open("rb")
        elif body is not None and len(body) > BLOCK_BYTES:
            data = io.BytesIO(body)  # sent in pieces, so that the loop breathes
        try:
            response = await self._session.request(
                method, self.url + path, params=params, data=data, headers=self._headers(headers), allow_redirects=False
            )
            if response.status < 300:
                return response
            async with response:
                after = response.headers.get("Retry-After", "")
                error = error_of(response.status, await response.read(), float(after) if after.isdigit() else None)
                error.http_status = response.status
                raise error
        except aiohttp.ClientConnectorCertificateError as error:  # the next try would end no better
            why = getattr(error.certificate_error, "verify_message", "") or str(error)
            raise ServerNotTrusted(
                f"The certificate of the Telerun server at {self.url} is not trusted: {why.rstrip('.')}.",
                hint="If it has an authority of its own, give that one's certificate with --ca-file FILE.",
            ) from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise self._unreachable(error) from error
        except aiohttp.InvalidURL as error:
            raise InvalidMessage(f"{self.url} is not a server address.") from error
        finally:
            if isinstance(body, Path):
                data.close()

    def _unreachable(self, error: BaseException) -> ServerUnreachable:
        if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError):
            return ServerUnreachable(f"The connection to the Telerun server at {self.url} was lost.")
        why = str(error) or type(error).__name__
        return ServerUnreachable(f"The Telerun server at {self.url} does not answer ({why}).")

    async def _broken(self, error: BaseException) -> None:
        """A stream that had begun was cut: tell, and breathe before it is opened again."""
        if self._on_retry:
            self._on_retry(self._unreachable(error))
        await asyncio.sleep(RECONNECT_S)

    def _is_passing(self, error: BaseException) -> bool:
        return isinstance(error, self._retried_errors) or (
            isinstance(error, TelerunError) and error.http_status in RETRIED_STATUSES
        )

    def _retrying(self) -> AsyncRetrying:
        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            if self._on_retry and isinstance(error, TelerunError):
                self._on_retry(error)

        def wait(state: RetryCallState) -> float:
            """As long as the server asked for, and else never beyond the last try, which is at the end of `retry_s`."""
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after_s if isinstance(error, TelerunError) else None
            left = self._retry_s - (state.seconds_since_start or 0.0)
            return max(min(_backoff(state), left), asked or 0.0)

        return AsyncRetrying(
            retry=retry_if_exception(self._is_passing),
            wait=wait,
            stop=stop_after_delay(self._retry_s),
            before_sleep=tell,
            reraise=True,
        )

    async def _call(self, type_: type[T], method: str, path: str, message: object = None, **more: Any) -> T:
        """One request and its answer as `type_`, repeated while the trouble is a passing one."""
        if message is not None:
            more["body"] = encode(message)
            more["headers"] = {"Content-Type": "application/json", **more.get("headers", {})}

        async def once() -> T:
            try:
                async with await self.open(method, path, **more) as response:
                    return decode(await response.read(), type_)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise self._unreachable(error) from error

        try:
            return await once()  # repeating is a third of a request's work, and almost never needed
        except TelerunError as error:
            if not self._is_passing(error):
                raise
            trouble = [error]

        async def again() -> T:
            if trouble:
                raise trouble.pop()
            return await once()

        return await self._retrying()(again)

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
        headers = {routes.ARTIFACT_HEADER: claim[0], routes.CLAIM_HEADER: claim[1]} if claim else {}
        path = routes.fill(routes.BLOB, sha256=sha256)
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
        headers = {routes.ARTIFACT_HEADER: claim[0], routes.CLAIM_HEADER: claim[1]} if claim else {}
        async for block in self._download(routes.fill(routes.BLOB, sha256=sha256), sha256, headers):
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


async def server_sent(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[int, bytes]]:
    """The id and the data of each event of a stream; an event may be longer than the lines aiohttp would read."""
    rest = b""
    async for block in response.content.iter_any():
        *whole, rest = (rest + block).split(b"\n\n")
        for event in whole:
            fields = {name: value.strip() for name, _, value in (line.partition(b":") for line in event.split(b"\n"))}
            if b"data" in fields:
                yield int(fields[b"id"]), fields[b"data"]


def _sha256(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_ref(path: str, content: bytes | Path, *, executable: bool = False) -> FileRef:
    """The reference to put into a spec for a file with this content."""
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    return FileRef(path=path, sha256=_sha256(content), size_bytes=size, executable=executable)
