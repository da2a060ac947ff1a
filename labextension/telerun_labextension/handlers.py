"""The browser's API, below `<base_url>telerun/api/`. It asks Jupyter's own login; the queue's token stays on this side.

A refusal is a `Problem` {code, message, hint, path, items, status}: what the queue refused keeps its status, but its
401 and 403 become 502 (to the browser they would mean that Jupyter's login has expired), and so does no answer at all
(code `unreachable`). Code `not_configured` (409): no server is known. `JOB` is an id or a number.

    GET  status?frontend=VERSION    Status {configured, url, reachable, user, problem, versions, notices}; never fails
    POST start-local                starts the user's own server where none is known (a few seconds) -> Status
    POST server {url}               the server for the panel, one with a login; null: the one that cells use -> Status
    GET  version, me, limits, executors?history=                          the queue's own answers
    GET  jobs?state=&notebook=&tag=&name=&before=&limit=                  JobList, newest first
    POST jobs                       Submit {spec, idempotency_key} -> Job; a job's spec may be sent again as it is
    GET  jobs/JOB                   Job
    POST jobs/JOB/cancel            Job
    GET  jobs/JOB/bundle?output=true
                                    the MIME bundle of its display {application/vnd.telerun.job.v1+json, text/html,
                                    text/plain}; output=false leaves out what it printed
    GET  jobs/JOB/output?offset=0   CellOutput {streams: [{name, text}], offset}: what it printed from a byte of its log
                                    on, as a cell shows it
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

from jupyter_server.auth.decorator import authorized
from msgspec import Struct
from tornado.web import authenticated

from telerun_labextension.bundle import bundle
from telerun_labextension.cell_output import cell_output
from telerun_labextension.relay import ApiHandler, BytesRelay, Relay
from telerun_labextension.status import status
from telerun_labextension.submit import SubmitFile, SubmitSource, submit
from telerun_protocol import routes
from telerun_protocol.codec import decode
from telerun_protocol.errors import NotFound
from telerun_protocol.messages import check_path

FILTERS = ("state", "notebook", "tag", "name", "before", "limit")


class QueueHandler(Relay):
    @authenticated
    @authorized
    async def get(self, name: str) -> None:
        await self.relay("GET", f"{routes.PREFIX}/{name}", self.query("history"))


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


class Choice(Struct, frozen=True, kw_only=True):
    url: str | None


class ServerHandler(ApiHandler):
    @authenticated
    @authorized
    async def post(self) -> None:
        await self.upstream.choose(decode(self.request.body, Choice).url)
        self.answer(await status(self.upstream, None))


class BundleHandler(ApiHandler):
    @authenticated
    @authorized
    async def get(self, job: str) -> None:
        with_output = self.get_query_argument("output", "true") != "false"
        self.answer(await bundle(await self.upstream.client(), job, with_output=with_output))


class OutputHandler(ApiHandler):
    @authenticated
    @authorized
    async def get(self, job: str) -> None:
        self.answer(await cell_output(await self.upstream.client(), job, self.number("offset") or 0))


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
    ("server", ServerHandler),
    ("(version|me|limits|executors)", QueueHandler),
    (_below(routes.JOBS), JobsHandler),
    (_below(routes.JOB), JobHandler),
    (_below(routes.CANCEL), CancelHandler),
    (f"{_below(routes.JOB)}/bundle", BundleHandler),
    (f"{_below(routes.JOB)}/output", OutputHandler),
    (_below(routes.LOG), LogHandler),
    (_below(routes.FILE), FileHandler),
    (_below(routes.BLOB), BlobHandler),
    ("submit-(file|source)", SubmitHandler),
)
