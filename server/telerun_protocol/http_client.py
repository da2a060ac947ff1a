"""Requests to one server: how they are sent, what goes wrong with them, and when they are repeated.

Every request can be repeated without harm (submits and claims carry a key, log appends an offset, the rest is
idempotent), so whatever may have been lost on the way is simply sent again.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_delay
from tenacity.wait import wait_exponential, wait_random

from telerun_protocol.codec import decode, encode, error_of
from telerun_protocol.errors import InvalidMessage, ServerNotTrusted, ServerUnreachable, TelerunError

T = TypeVar("T")
BLOCK_BYTES = 1 << 18
RECONNECT_S = 0.1
RETRIED_STATUSES = frozenset({429, 502, 503, 504})
_backoff = wait_exponential(multiplier=0.05, max=5.0) + wait_random(0, 0.1)


class HttpClient:
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


async def server_sent(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[int, bytes]]:
    """The id and the data of each event of a stream; an event may be longer than the lines aiohttp would read."""
    rest = b""
    async for block in response.content.iter_any():
        *whole, rest = (rest + block).split(b"\n\n")
        for event in whole:
            fields = {name: value.strip() for name, _, value in (line.partition(b":") for line in event.split(b"\n"))}
            if b"data" in fields:
                yield int(fields[b"id"]), fields[b"data"]
