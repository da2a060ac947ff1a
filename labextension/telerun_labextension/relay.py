"""What all handlers share, and how an answer of the queue is passed on."""

from __future__ import annotations

import re
from http.client import responses
from typing import Any
from urllib.parse import quote

import aiohttp
from jupyter_server.base.handlers import APIHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from telerun_labextension.problems import problem, status_of
from telerun_labextension.upstream import Upstream
from telerun_protocol.codec import encode
from telerun_protocol.errors import InvalidMessage, ServerFailed, TelerunError

SAFE_TYPE = re.compile(
    r"(image/[a-z0-9.+-]+|text/(plain|csv|tab-separated-values)|application/json)(; charset=[a-z0-9-]+)?"
)


class ApiHandler(APIHandler):
    """Asks for Jupyter's login, and answers errors as Problems."""

    auth_resource = "telerun"

    def initialize(self, upstream: Upstream) -> None:
        self.upstream = upstream

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
