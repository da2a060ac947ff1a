"""What all handlers share: who asks, bodies with bounds, answers and errors as JSON."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Mapping
from itertools import count
from typing import Any, ClassVar, NoReturn, TypeVar

import msgspec
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, stream_request_body

from telerun_protocol.codec import encode, invalid, problem_of
from telerun_protocol.errors import (
    BY_CODE,
    Forbidden,
    InvalidMessage,
    NotFound,
    ServerFailed,
    ServerStopping,
    TelerunError,
    TooLarge,
    Unauthorized,
)
from telerun_protocol.messages import Principal
from telerun_server.handlers.parts import Parts
from telerun_server.wakeups import Waiter

T = TypeVar("T")

USERS = frozenset({"user", "admin"})
EXECUTORS = frozenset({"executor"})
EVERYBODY = USERS | EXECUTORS
DRAINED_BYTES = 64 << 20  # read of a refused body, so that its sender gets to see the answer
NO_CONTENT = b"{}"
SLOW_S = 1.0

log = logging.getLogger(__name__)
_numbers = count(1)


@stream_request_body
class Handler(RequestHandler):
    """Decodes, calls, encodes. A subclass says in `allowed` who may call it: nobody, unless it does.

    A request that is refused before its body was read is answered after it: an answer that comes earlier is often
    lost to a client that is still sending.
    """

    allowed: ClassVar[Mapping[str, frozenset[str]]] = {}  # kinds of principals by method
    open_to_all: ClassVar[bool] = False
    waits: ClassVar[bool] = False  # it takes long by intention
    is_use: ClassVar[bool] = True  # while a user has it open, the server is not idle

    parts: Parts
    principal: Principal

    def initialize(self, parts: Parts) -> None:
        self.parts = parts
        self.waiter = Waiter()
        self._body: list[bytes] = []
        self.received = 0
        self._dropping = False
        self._is_user = False
        self._is_open = True
        parts.requests.open += 1

    def set_default_headers(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")

    def compute_etag(self) -> None:
        return None

    # ------------------------------------------------------------------------------------------------- who asks

    def prepare(self) -> Awaitable[None] | None:
        if self.parts.queue.stopping:
            self.refuse(ServerStopping(retry_after_s=1.0))
            return None
        if self.open_to_all:
            return None
        kind, _, token = self.request.headers.get("Authorization", "").partition(" ")
        if kind.casefold() != "bearer" or not token:
            self.refuse(Unauthorized("A token is needed.", hint="Log in first: telerun login."))
            return None
        principal = self.parts.accounts.cached(token)
        if principal is None:
            return self._look_up(token)
        return self._admit(principal)

    async def _look_up(self, token: str) -> None:
        principal = await self.parts.accounts.principal(token)
        if principal is None:
            self.refuse(Unauthorized(hint="It may have been replaced: log in again with telerun login."))
        elif admitted := self._admit(principal):
            await admitted

    def _admit(self, principal: Principal) -> Awaitable[None] | None:
        self.principal = principal
        allowed = self.allowed.get(self.request.method or "")
        if allowed is None:
            self.refuse(HTTPError(405))
            return None
        if principal.kind not in allowed:
            self.refuse(Forbidden(f"This is not for {_A[principal.kind]}.", hint="Use another token."))
            return None
        if principal.kind in USERS and self.is_use:
            self._is_user = True
            self.parts.requests.open_of_users += 1
        return self.admitted()

    def admitted(self) -> Awaitable[None] | None:
        """Runs before the body is read; for what needs to look at the headers."""
        return None

    def refuse(self, error: TelerunError | HTTPError) -> None:
        """Answers with the error, whatever the method, once the body has been read."""
        self._dropping = True
        self._body.clear()

        def refuse(*_: Any) -> NoReturn:
            raise error

        setattr(self, (self.request.method or "get").lower(), refuse)

    # ---------------------------------------------------------------------------------------------------- bodies

    @property
    def body_limit(self) -> int:
        return self.parts.config.request_bytes

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self.received += len(chunk)
        if self.received > self.body_limit and not self._dropping:
            self.refuse(self.too_large())
        if self._dropping:
            if self.received > self.body_limit + DRAINED_BYTES:
                self.connection.close()  # patience has an end
            return None
        return self.take(chunk)

    def too_large(self) -> TooLarge:
        return TooLarge(
            f"The request is larger than the {self.body_limit / (1 << 20):.4g} MiB that this server takes.",
            hint="Send less at once, or ask its administrator for more.",
        )

    def take(self, chunk: bytes) -> Awaitable[None] | None:
        """One piece of the body, within its bound."""
        self._body.append(chunk)
        return None

    def body(self) -> bytes:
        return self._body[0] if len(self._body) == 1 else b"".join(self._body)

    def message(self, decoder: msgspec.json.Decoder[T]) -> T:
        try:
            return decoder.decode(self.body())
        except msgspec.ValidationError as error:
            raise invalid(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidMessage(f"The body is not JSON: {error}.") from None

    def number(self, name: str, default: int) -> int:
        text = self.get_query_argument(name, None)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise InvalidMessage(f"{name}: expected a whole number from 0.", path=name)
        return int(text)

    # --------------------------------------------------------------------------------------------------- answers

    def answer(self, message: Any) -> None:
        self.finish(encode(message))

    def done(self) -> None:
        self.finish(NO_CONTENT)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        if isinstance(error, HTTPError) or error is None:
            error = _of_status(status_code)
        elif not isinstance(error, TelerunError):
            error = ServerFailed()
        if error.retry_after_s:
            self.set_header("Retry-After", str(max(1, round(error.retry_after_s))))
        if isinstance(error, Unauthorized):
            self.set_header("WWW-Authenticate", "Bearer")
        problem = problem_of(error)
        status = status_code if type(error) is TelerunError else error.status
        self.set_status(status)
        self.finish(encode(msgspec.structs.replace(problem, status=status)))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if isinstance(value, TelerunError | HTTPError | StreamClosedError):
            return
        log.error("%s failed", type(self).__name__, exc_info=(typ, value, tb))

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.waiter.leave()
        self._ended()

    def on_finish(self) -> None:
        self._ended()

    def _ended(self) -> None:
        requests = self.parts.requests
        if self._is_open:
            self._is_open = False
            requests.open -= 1
            if self._is_user:
                requests.open_of_users -= 1
                requests.user_at = time.monotonic()

    @property
    def connection(self) -> HTTP1Connection:
        assert isinstance(self.request.connection, HTTP1Connection)
        return self.request.connection

    def abort(self) -> None:
        """Breaks the connection in the middle of an answer, so that its reader knows that there is more."""
        self.connection.stream.close()


_A = {"user": "users", "admin": "administrators", "executor": "executors"}


def _of_status(status: int) -> TelerunError:
    if status == 404:
        return NotFound("There is no such address.", hint="See /api/v1/version for what this server speaks.")
    if status == 405:
        return TelerunError("This address does not take that method.")
    kinds = {kind.status: kind for kind in reversed(BY_CODE.values())}
    return kinds.get(status, TelerunError)()


class UnknownRoute(Handler):
    open_to_all = True

    def prepare(self) -> None:
        self.refuse(NotFound("There is no such address.", hint="See /api/v1/version for what this server speaks."))


def log_request(handler: RequestHandler) -> None:
    """A line a request: failures and slow ones at info, the rest at debug. Never the query or a header."""
    status = handler.get_status()
    seconds = handler.request.request_time()
    if isinstance(handler, Handler):
        handler.parts.metrics.answered(status)
    is_slow = seconds > SLOW_S and not getattr(handler, "waits", False)
    level = logging.INFO if status >= 400 or is_slow else logging.DEBUG
    if not log.isEnabledFor(level):
        return
    principal = getattr(handler, "principal", None)
    log.log(
        level,
        "%s %s %d",
        handler.request.method,
        handler.request.path,
        status,
        extra={
            "request": next(_numbers),
            "principal": f"{principal.kind}:{principal.name}" if principal else None,
            "status": status,
            "ms": round(seconds * 1000, 1),
        },
    )
