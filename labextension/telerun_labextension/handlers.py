"""The browser's API, below `<base_url>telerun/api/`. It asks Jupyter's own login; the queue's token stays on this side.

A refusal is a `Problem` {code, message, hint, path, items, status}: what the queue refused keeps its status, but its
401 and 403 become 502 (to the browser they would mean that Jupyter's login has expired), and so does no answer at all
(code `unreachable`). Code `not_configured` (409): no server is known. `JOB` is an id or a number.

    GET  status?frontend=VERSION    Status {configured, url, reachable, user, problem, versions, notices}; never fails
    POST start-local                starts the user's own server where none is known (a few seconds) -> Status
    GET  version, me, limits, executors                                   the queue's own answers
    GET  jobs?state=&notebook=&tag=&name=&before=&limit=                  JobList, newest first
    POST jobs                       Submit {spec, idempotency_key} -> Job; a job's spec may be sent again as it is
    GET  jobs/JOB                   Job
    POST jobs/JOB/cancel            Job
    GET  jobs/JOB/bundle?output=true
                                    the MIME bundle of its display {application/vnd.telerun.job.v1+json, text/html,
                                    text/plain}; output=false leaves out what it printed
    GET  jobs/JOB/log?offset=0&limit=&follow=false
                                    log frames from a byte offset on (application/octet-stream), at most `limit` bytes;
                                    ?format=text&stream=stdout|stderr|compile gives text
    GET  jobs/JOB/files/PATH        a file it left, with Range and HEAD; always an attachment, usable as <img src>
    GET  blobs/SHA256               a file of its spec, with Range and HEAD
    POST submit-file {path, options}     a file or folder below Jupyter's root -> Submitted {job, notices}
    POST submit-source {source, options} a text, such as a cell's -> Submitted {job, notices}
    WS   events                     see `telerun_labextension.events`

`options` (all optional): language, name, args, flags (a list, or a string that is split like a command line), stdin
(text), env, inputs (paths below Jupyter's root), std, libraries, archs, asm, run, time ("90s"), memory ("2G"), gpus,
device, labels, tags, compiler, notebook, cell_id.
"""

from __future__ import annotations

import re
from http.client import responses
from typing import Any
from urllib.parse import quote

import aiohttp
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, authenticated

from telerun_labextension.bundle import bundle
from telerun_labextension.events import EventHub
from telerun_labextension.problems import problem, status_of
from telerun_labextension.status import status
from telerun_labextension.submit import SubmitFile, SubmitSource, submit
from telerun_labextension.upstream import Upstream
from telerun_protocol import routes
from telerun_protocol.codec import decode, encode
from telerun_protocol.errors import InvalidMessage, NotFound, ServerFailed, TelerunError
from telerun_protocol.messages import check_path

FILTERS = ("state", "notebook", "tag", "name", "before", "limit")
SAFE_TYPE = re.compile(
    r"(image/[a-z0-9.+-]+|text/(plain|csv|tab-separated-values)|application/json)(; charset=[a-z0-9-]+)?"
)


class ApiHandler(APIHandler):
    """Asks for Jupyter's login, and answers errors as Problems."""

    auth_resource = "telerun"

    def initialize(self, upstream: Upstream, hub: EventHub) -> None:
        self.upstream = upstream
        self.hub = hub

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")

    def compute_etag(self) -> None:
        return None

    def answer(self, message: object) -> None:
        self.finish(encode(message))

    def query(self, *names: str) -> dict[str, str]:
        """Those of these parameters that are given. Others stay here: one may be Jupyter's own token."""
        given = {name: self.get_query_argument(name, None) for name in names}
        return {name: value for name, value in given.items() if value is not None}

    def number(self, name: str) -> int | None:
        text = self.get_query_argument(name, None)
        if text is not None and not (text.isascii() and text.isdigit() and len(text) < 19):
            raise InvalidMessage(f"{name}: expected a whole number from 0.", path=name)
        return int(text) if text else None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        if isinstance(error, HTTPError):
            refused = TelerunError(error.log_message or error.reason or responses[error.status_code])
            refused.http_status = error.status_code
            error = refused
        elif not isinstance(error, TelerunError):
            error = ServerFailed("The Jupyter server failed to answer this; its log says why.")
        self.set_status(status_of(error))
        self.answer(problem(error))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if not isinstance(value, TelerunError):  # for these the line of the request is enough
            super().log_exception(typ, value, tb)


class Relay(ApiHandler):
    """Passes an answer of the queue on, block by block and no faster than the browser takes it."""

    _response: aiohttp.ClientResponse | None = None
    _gone = False

    async def relay(
        self,
        method: str,
        path: str,
        params: dict[str, str] | None = None,
        *,
        body: bytes | None = None,
        at_most: int | None = None,
    ) -> tuple[int, bool]:
        """How much went to the browser, and whether the queue fell silent before its answer was complete."""
        client = await self.upstream.client()
        headers = {"Range": self.request.headers["Range"]} if "Range" in self.request.headers else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        sent = 0
        try:
            async with await client.open(method, path, params=params, body=body, headers=headers) as response:
                self._response = response
                if not self._headers_written:
                    self.begin(response)
                await self.flush()
                async for block in response.content.iter_any():
                    self.write(block[: None if at_most is None else at_most - sent])
                    await self.flush()
                    sent += len(block)
                    if at_most is not None and sent >= at_most:
                        break
        except StreamClosedError:
            self._gone = True
        except TimeoutError:
            return sent, True
        except aiohttp.ClientError:
            self.cut()
        return sent, False

    def begin(self, response: aiohttp.ClientResponse) -> None:
        """Status and headers of what comes."""
        self.set_status(response.status)
        self.set_header("Content-Type", "application/json")

    def cut(self) -> None:
        """Breaks off, so that the browser knows that there was more."""
        self._gone = True
        self.request.connection.stream.close()  # type: ignore[union-attr]

    def on_connection_close(self) -> None:
        self._gone = True
        if self._response:
            self._response.close()


class BytesRelay(Relay):
    """Bytes that anybody's program may have made: a browser may save them or show them as an image, nothing else."""

    file_name = "file"

    def begin(self, response: aiohttp.ClientResponse) -> None:
        self.set_status(response.status)
        told = response.headers.get("Content-Type", "").lower()
        self.set_header("Content-Type", told if SAFE_TYPE.fullmatch(told) else "application/octet-stream")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(self.file_name, safe='')}")
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
        self.set_header("Content-Encoding", "identity")  # compressed on the way, a range would be of something else
        for name in ("Content-Length", "Content-Range", "Accept-Ranges"):
            if name in response.headers:
                self.set_header(name, response.headers[name])


# ------------------------------------------------------------------------------------------------------------ the queue


class QueueHandler(Relay):
    @authenticated
    @authorized
    async def get(self, name: str) -> None:
        await self.relay("GET", f"{routes.PREFIX}/{name}")


class JobsHandler(Relay):
    @authenticated
    @authorized
    async def get(self) -> None:
        await self.relay("GET", routes.JOBS, self.query(*FILTERS))

    @authenticated
    @authorized
    async def post(self) -> None:
        await self.relay("POST", routes.JOBS, body=self.request.body)


class JobHandler(Relay):
    @authenticated
    @authorized
    async def get(self, job: str) -> None:
        await self.relay("GET", routes.fill(routes.JOB, job=job))


class CancelHandler(Relay):
    @authenticated
    @authorized
    async def post(self, job: str) -> None:
        await self.relay("POST", routes.fill(routes.CANCEL, job=job), body=b"{}")


class LogHandler(BytesRelay):
    @authenticated
    @authorized
    async def get(self, job: str) -> None:
        self.file_name = f"telerun-{job}.log"
        offset, left = self.number("offset") or 0, self.number("limit")
        more = self.query("follow", "format", "stream")
        silent = True
        while silent and not self._gone and left != 0:
            params = {**more, "offset": str(offset)}
            sent, silent = await self.relay("GET", routes.fill(routes.LOG, job=job), params, at_most=left)
            if silent and more.get("format") == "text":  # it does not tell where in the log it stands
                self.cut()
            offset += sent
            left = left and max(0, left - sent)


class FileHandler(BytesRelay):
    @authenticated
    @authorized
    async def get(self, job: str, path: str) -> None:
        try:
            check_path(path)
        except ValueError as error:
            raise NotFound(f"There is no such file: {error}.") from None
        self.file_name = path.rpartition("/")[2]
        await self.relay(self.request.method or "GET", routes.fill(routes.FILE, job=job, path=path))

    head = get


class BlobHandler(BytesRelay):
    @authenticated
    @authorized
    async def get(self, sha256: str) -> None:
        await self.relay(self.request.method or "GET", routes.fill(routes.BLOB, sha256=sha256))

    head = get


# ------------------------------------------------------------------------------------------------------------- our own


class StatusHandler(ApiHandler):
    @authenticated
    @authorized
    async def get(self) -> None:
        self.answer(await status(self.upstream, self.get_query_argument("frontend", None)))


class StartLocalHandler(ApiHandler):
    @authenticated
    @authorized
    async def post(self) -> None:
        await self.upstream.client(start=True)
        self.answer(await status(self.upstream, None))


class BundleHandler(ApiHandler):
    @authenticated
    @authorized
    async def get(self, job: str) -> None:
        with_output = self.get_query_argument("output", "true") != "false"
        self.answer(await bundle(await self.upstream.client(), job, with_output=with_output))


class SubmitHandler(ApiHandler):
    @authenticated
    @authorized
    async def post(self, what: str) -> None:
        body = self.request.body
        asked = decode(body, SubmitFile) if what == "file" else decode(body, SubmitSource)
        self.answer(await submit(await self.upstream.client(), self.contents_manager, asked))


def _below(route: str) -> str:
    return routes.pattern(route).removeprefix(f"{routes.PREFIX}/")


ROUTES = (
    ("status", StatusHandler),
    ("start-local", StartLocalHandler),
    ("(version|me|limits|executors)", QueueHandler),
    (_below(routes.JOBS), JobsHandler),
    (_below(routes.JOB), JobHandler),
    (_below(routes.CANCEL), CancelHandler),
    (f"{_below(routes.JOB)}/bundle", BundleHandler),
    (_below(routes.LOG), LogHandler),
    (_below(routes.FILE), FileHandler),
    (_below(routes.BLOB), BlobHandler),
    ("submit-(file|source)", SubmitHandler),
)
