"""The log of a job: executors append to it, users read it from any byte on, and follow it."""

from __future__ import annotations

import codecs
from typing import ClassVar

from tornado.iostream import StreamClosedError

from telerun_protocol import routes
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.logframes import FrameDecoder
from telerun_protocol.messages import LogSize
from telerun_protocol.states import STREAMS
from telerun_server.handlers.base import EXECUTORS, USERS, Handler


class LogHandler(Handler):
    allowed: ClassVar = {"GET": USERS, "POST": EXECUTORS}
    waits = True

    async def post(self, ref: str) -> None:
        offset = self.request.headers.get(routes.OFFSET_HEADER, "")
        if not (offset.isascii() and offset.isdigit() and len(offset) < 19):
            raise InvalidMessage(f"{routes.OFFSET_HEADER}: expected the byte at which the frames begin.")
        claim_id = self.request.headers.get(routes.CLAIM_HEADER, "")
        job_id = await self.parts.queue.job_id(ref)
        size = self.parts.queue.append_log(self.principal.name, job_id, claim_id, int(offset), self.body())
        self.answer(LogSize(size_bytes=size))

    async def get(self, ref: str) -> None:
        convert = self._conversion()
        offset = self.number("offset", 0)
        follow = self.get_query_argument("follow", "false") == "true"
        job_id = (await self.parts.queue.job(self.principal, ref)).id
        with (
            self.parts.logs.using(job_id) as log,
            self.parts.wakeups.listening(self.waiter, ("log", job_id)),
        ):
            if offset > log.size:
                raise InvalidMessage(f"offset: the log ends at byte {log.size}.", path="offset")
            # Asked after the log is in use: an end that comes later is told to the log.
            ended = not follow or (await self.parts.queue.job(self.principal, job_id)).state.is_final
            self.connection.stream.set_nodelay(True)
            try:
                await self.flush()
                while not self.waiter.gone:
                    self.waiter.clear()
                    ended = ended or log.ended
                    data = log.read(offset)
                    if data:
                        offset += len(data)
                        await self._send(convert(data))
                    elif ended:
                        await self._send(convert(b"", final=True))
                        return
                    elif self.parts.queue.stopping:
                        self.abort()
                        return
                    else:
                        await self.waiter.wait(None)
            except StreamClosedError:
                return

    async def _send(self, data: bytes) -> None:
        if data:
            self.write(data)
            await self.flush()  # returns when the reader's socket took it: a slow reader holds one block
            self.parts.metrics.sent_bytes.inc(len(data))

    def _conversion(self) -> Frames | Text:
        """Sets the content type, and returns what makes of frames what was asked for."""
        form = self.get_query_argument("format", "frames")
        if form == "frames":
            self.set_header("Content-Type", "application/octet-stream")
            return Frames()
        if form != "text":
            raise InvalidMessage("format: expected frames or text.", path="format")
        name = self.get_query_argument("stream", None)
        if name is not None and name not in STREAMS:
            raise InvalidMessage(f"stream: expected one of {', '.join(STREAMS)}.", path="stream")
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        return Text(None if name is None else STREAMS[name])


class Frames:
    """Frames as they are."""

    def __call__(self, data: bytes, *, final: bool = False) -> bytes:
        return data


class Text:
    """Frames to UTF-8, what is not UTF-8 replaced; each stream is decoded by itself across frames."""

    def __init__(self, stream: int | None) -> None:
        self._stream = stream
        self._frames = FrameDecoder()
        make = codecs.getincrementaldecoder("utf-8")
        self._decoders = [make("replace") for _ in range(4)]

    def __call__(self, data: bytes, *, final: bool = False) -> bytes:
        text = "".join(
            self._decoders[frame.stream].decode(frame.payload)
            for frame in self._frames.feed(data)
            if self._stream is None or frame.stream == self._stream
        )
        if final:
            text += "".join(decoder.decode(b"", True) for decoder in self._decoders)
        return text.encode()
