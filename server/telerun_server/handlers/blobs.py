"""Content by its sha256, and the files that jobs left, by their paths."""

from __future__ import annotations

import re
from typing import ClassVar
from urllib.parse import quote

from tornado.iostream import StreamClosedError

from telerun_protocol import routes
from telerun_protocol.errors import NotFound, TelerunError
from telerun_server.blobs import BlobWriter
from telerun_server.handlers.base import EVERYBODY, USERS, Handler

MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+(; charset=[a-z0-9-]+)?", re.IGNORECASE)
RANGE = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?")


class Sending(Handler):
    """Answers with a stored blob or the part of it that was asked for."""

    async def send_blob(self, sha256: str, size: int) -> None:
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
        start, end = asked_range(self.request.headers.get("Range"), size)
        if start >= end and size:
            self.set_status(416)
            self.set_header("Content-Range", f"bytes */{size}")
            return
        if (start, end) != (0, size):
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.set_header("Content-Length", str(end - start))
        if self.request.method == "HEAD":
            return
        try:
            async for block in self.parts.files.blobs.read(sha256, start, end - start):
                self.write(block)
                await self.flush()
                self.parts.metrics.sent_bytes.inc(len(block))
        except StreamClosedError:
            return


def asked_range(header: str | None, size: int) -> tuple[int, int]:
    """First byte and the one after the last. What is not a single range is answered with everything."""
    match = RANGE.fullmatch((header or "").strip())
    if match is None or match[1] is match[2] is None:
        return 0, size
    if match[1] is None:
        return max(0, size - int(match[2])), size
    return int(match[1]), min(size, int(match[2]) + 1) if match[2] else size


class BlobHandler(Sending):
    allowed: ClassVar = {"GET": EVERYBODY, "HEAD": EVERYBODY, "PUT": EVERYBODY}
    _writer: BlobWriter | None = None

    @property
    def body_limit(self) -> int:
        return self.parts.config.blob_bytes

    async def admitted(self) -> None:
        if self.request.method != "PUT":
            return
        try:
            self._whose()
            if int(self.request.headers.get("Content-Length") or 0) > self.body_limit:
                raise self.too_large()
        except TelerunError as error:
            self.refuse(error)
            return
        self._writer = await self.parts.files.blobs.receive(self.path_args[0])

    async def take(self, chunk: bytes) -> None:
        assert self._writer is not None
        try:
            await self._writer.write(chunk)
        except TelerunError as error:  # no room for it
            self.refuse(error)
            self._discard()

    async def put(self, sha256: str) -> None:
        writer, self._writer = self._writer, None  # from here on it is stored, whether its sender waits or not
        assert writer is not None
        try:
            owner, job_id = self._whose()
            await self.parts.files.keep(writer, sha256, owner=owner, job_id=job_id)
        finally:
            writer.discard()
        self.parts.metrics.blob_bytes.inc(self.received)
        self.set_status(201)
        self.done()

    async def get(self, sha256: str) -> None:
        owner, job_id = self._whose()
        size = await self.parts.files.size(sha256, owner=owner, job_id=job_id)
        self.set_header("Content-Type", "application/octet-stream")
        await self.send_blob(sha256, size)

    head = get

    def _whose(self) -> tuple[str | None, str | None]:
        """The user who asks, or the job that the asking executor holds."""
        if self.principal.kind != "executor":
            return self.principal.name, None
        job_id = self.request.headers.get(routes.ARTIFACT_HEADER, "")
        self.parts.queue.check_claim(self.principal.name, job_id, self.request.headers.get(routes.CLAIM_HEADER, ""))
        return None, job_id

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._discard()

    def on_finish(self) -> None:
        super().on_finish()
        self._discard()

    def _discard(self) -> None:
        if self._writer is not None:
            self._writer.discard()


class FileHandler(Sending):
    allowed: ClassVar = {"GET": USERS, "HEAD": USERS}

    async def get(self, ref: str, path: str) -> None:
        job = await self.parts.queue.job(self.principal, ref)
        found = [artifact for artifact in (job.result.artifacts if job.result else ()) if artifact.path == path]
        if not found:
            raise NotFound(f"The job {ref} left no file {path}.", hint="See the artifacts of its result.")
        artifact = found[0]
        is_type = MEDIA_TYPE.fullmatch(artifact.media_type)
        self.set_header("Content-Type", artifact.media_type if is_type else "application/octet-stream")
        name = quote(path.rpartition("/")[2], safe="")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
        size = await self.parts.files.size(artifact.sha256, owner=None, job_id=job.id)
        await self.send_blob(artifact.sha256, size)

    head = get
