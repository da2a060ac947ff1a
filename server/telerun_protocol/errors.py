"""Every error of Telerun, in one tree. A class's docstring is its default message.

TelerunError
├── InvalidMessage              400  a body, parameter or file that does not fit its type
├── Unauthorized                401
├── Forbidden                   403
├── NotFound                    404
├── Conflict                    409
│   ├── StaleClaim              409  the attempt is no longer this executor's
│   ├── LogGap                  409  an append beyond the end of the log
│   ├── NoSuchExecutor          409  nobody known could ever run the job
│   └── MissingBlobs            409  the job names files that were never uploaded
├── TooLarge                    413
├── TooManyRequests             429
├── ServerFailed                500  the server's own fault
├── ServerStopping              503
├── ServerUnreachable                no answer at all
├── ServerNotTrusted                 its certificate is not one that we trust
├── NotConfigured                    no server or token is known
├── JobFailed                        the job ended in FAILED; carries its JobInfo
│   └── JobCancelled
└── SandboxError                     the box failed, not the program in it
"""

from __future__ import annotations

import inspect
from typing import ClassVar


class TelerunError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        path: str | None = None,
        items: tuple[str, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        """`hint` says what to do; `path` names the part of a message at fault; `items` lists what is concerned."""
        self.message = message or (inspect.getdoc(type(self)) or "").splitlines()[0]
        self.hint = hint
        self.path = path
        self.items = items
        self.retry_after_s = retry_after_s
        self.http_status: int | None = None  # of the answer that carried it, on the client's side
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def _render_traceback_(self) -> list[str]:
        """IPython asks for this instead of printing a traceback: users get the one line that matters."""
        return [f"Telerun: {self}"]


class InvalidMessage(TelerunError):
    """The request is not valid."""

    status, code = 400, "invalid"


class Unauthorized(TelerunError):
    """The server does not know this token."""

    status, code = 401, "unauthorized"


class Forbidden(TelerunError):
    """This token may not do that."""

    status, code = 403, "forbidden"


class NotFound(TelerunError):
    """There is no such thing here, or it is not yours."""

    status, code = 404, "not_found"


class Conflict(TelerunError):
    """That does not fit the present state."""

    status, code = 409, "conflict"


class StaleClaim(Conflict):
    """The job is no longer this attempt's to change."""

    code = "stale_claim"


class LogGap(Conflict):
    """The append starts beyond the end of the log."""

    code = "log_gap"


class NoSuchExecutor(Conflict):
    """No executor of this server could ever run the job."""

    code = "no_such_executor"

    def _render_traceback_(self) -> list[str]:
        """With what there is instead."""
        return [*super()._render_traceback_(), *(f"  {item}" for item in self.items)]


class MissingBlobs(Conflict):
    """The job names files that were not uploaded."""

    code = "missing_blobs"


class TooLarge(TelerunError):
    """That is larger than the server takes."""

    status, code = 413, "too_large"


class TooManyRequests(TelerunError):
    """Too many requests; wait a little."""

    status, code = 429, "too_many_requests"


class ServerFailed(TelerunError):
    """The server failed to answer this request; its log says why."""

    status, code = 500, "server_failed"


class ServerStopping(TelerunError):
    """The server is stopping; try again in a moment."""

    status, code = 503, "stopping"


class ServerUnreachable(TelerunError):
    """The Telerun server does not answer."""

    status, code = 503, "unreachable"


class ServerNotTrusted(TelerunError):
    """The certificate of the Telerun server is not trusted."""

    status, code = 502, "not_trusted"


class NotConfigured(TelerunError):
    """No Telerun server is configured."""

    code = "not_configured"


class SandboxError(TelerunError):
    """The box that should run the job failed."""

    code = "sandbox_error"


class JobFailed(TelerunError):
    """The job failed."""

    code = "job_failed"


class JobCancelled(JobFailed):
    """The job was cancelled."""

    code = "job_cancelled"


def _tree(root: type[TelerunError]) -> dict[str, type[TelerunError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found.update(_tree(child))
    return found


BY_CODE = _tree(TelerunError)
"""Error class by the `code` of a Problem, so that a client raises what the server raised."""
