"""The client's own promises, against an aiohttp server that misbehaves on demand."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from tenacity import wait_fixed

from telerun_protocol import routes
from telerun_protocol.client import Client
from telerun_protocol.codec import decode, encode, problem_of
from telerun_protocol.errors import (
    InvalidMessage,
    ServerNotTrusted,
    ServerUnreachable,
    StaleClaim,
    TelerunError,
    TooLarge,
    TooManyRequests,
)
from telerun_protocol.logframes import Frame, encode_frame
from telerun_protocol.messages import Job, JobSpec, Principal, Report, Result, Submit
from telerun_protocol.states import Language, State

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ME = encode(Principal(name="ada", kind="user"))


@asynccontextmanager
async def server(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port := unused_port(), ssl_context=context)
    await site.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def test_passing_trouble_is_retried_and_told() -> None:
    calls: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        calls.append(request.path)
        if len(calls) < 3:
            return web.Response(status=503 if len(calls) == 1 else 429, headers={"Retry-After": "0"})
        return web.Response(body=ME)

    heard: list[TelerunError] = []
    async with server(handler) as url, Client(url, on_retry=heard.append) as client:
        assert (await client.me()).name == "ada"
    assert len(calls) == 3
    assert [error.http_status for error in heard] == [503, 429]


async def test_retrying_ends() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, body=encode(problem_of(TooManyRequests())))

    async with server(handler) as url, Client(url, retry_s=0.3) as client:
        with pytest.raises(TooManyRequests):
            await client.me()
    async with Client(f"http://127.0.0.1:{unused_port()}", retry_s=0.3) as client:
        with pytest.raises(ServerUnreachable, match="does not answer"):
            await client.me()


async def test_the_wait_before_the_last_try_is_not_longer_than_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telerun_protocol.http_client._backoff", wait_fixed(100))
    async with asyncio.timeout(50), Client(f"http://127.0.0.1:{unused_port()}", retry_s=0.3) as client:
        with pytest.raises(ServerUnreachable):
            await client.me()


async def test_a_certificate_that_is_not_trusted_is_final(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=ME)

    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    subprocess.run([*argv, "-keyout", key, "-out", cert, *subject], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    heard: list[TelerunError] = []
    async with server(handler, context) as url:
        async with Client(url, on_retry=heard.append) as client:
            with pytest.raises(ServerNotTrusted, match=r"is not trusted: self.signed certificate\. .*--ca-file"):
                await client.me()
        assert heard == []
        async with Client(url, ca_file=cert) as client:
            assert (await client.me()).name == "ada"


async def test_a_stream_that_is_cut_is_told_in_words() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        if "offset=0" in request.query_string:
            await response.write(encode_frame(1, b"one"))
            assert request.transport
            request.transport.close()
        return response

    heard: list[TelerunError] = []
    async with server(handler) as url, Client(url, on_retry=heard.append) as client:
        assert [frame.payload async for frame in client.log("j1")] == [b"one"]
        assert [error.message for error in heard] == [f"The connection to the Telerun server at {url} was lost."]


async def test_a_refusal_is_final() -> None:
    calls = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        return web.Response(status=409, body=encode(problem_of(StaleClaim())))

    async with server(handler) as url, Client(url) as client:
        with pytest.raises(StaleClaim):
            await client.report([Report(job_id="j1", claim_id="c", result=Result(state=State.SUCCEEDED))])
    assert calls == 1


async def test_a_repeated_submit_carries_the_same_key() -> None:
    keys: list[str] = []
    spec = JobSpec(language=Language.COMMAND, args=("true",))

    async def handler(request: web.Request) -> web.StreamResponse:
        keys.append(decode(await request.read(), Submit).idempotency_key)
        if len(keys) == 1:
            assert request.transport
            request.transport.close()  # the answer is lost after the server has acted
        return web.Response(body=encode(Job(id="j1", number=1, owner="a", state=State.QUEUED, spec=spec, created_at=0)))

    async with server(handler) as url, Client(url) as client:
        await client.submit(spec)
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_an_upload_that_fails_is_told_by_one_plain_error(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=413, body=encode(problem_of(TooLarge())))

    spec = JobSpec(language=Language.COMMAND, args=("true",))
    gone = tmp_path / "gone"
    async with server(handler) as url, Client(url) as client:
        with pytest.raises(TooLarge) as refused:
            await client.submit_with(spec, {hashlib.sha256(text).hexdigest(): text for text in (b"a", b"b")})
        with pytest.raises(InvalidMessage, match=f"{gone} cannot be read: No such file or directory"):
            await client.submit_with(spec, {"0" * 64: gone})
    error: BaseException | None = refused.value
    while error := error and error.__context__:  # IPython prints the traceback of what comes from a group
        assert not isinstance(error, BaseExceptionGroup)


async def test_a_token_travels_in_the_header_alone_and_is_read_anew() -> None:
    seen: list[tuple[str, str]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append((request.headers["Authorization"], str(request.rel_url)))
        return web.Response(body=ME)

    tokens = iter(["first", "second"])
    async with server(handler) as url, Client(url, lambda: next(tokens)) as client:
        await client.me()
        await client.me()
    assert seen == [("Bearer first", routes.ME), ("Bearer second", routes.ME)]


async def test_a_redirect_is_not_followed_with_the_token() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})

    async with server(handler) as url, Client(url, "secret", retry_s=0.1) as client:
        with pytest.raises(TelerunError, match="302"):
            await client.me()


async def test_a_cut_log_stream_goes_on_where_it_was() -> None:
    wire = b"".join(encode_frame(1, b"line %d\n" % number) for number in range(100))
    offsets: list[int] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        offset = int(request.query["offset"])
        offsets.append(offset)
        response = web.StreamResponse()
        await response.prepare(request)
        if len(offsets) < 3:
            await response.write(wire[offset : offset + 333])  # ends within a frame
            assert request.transport
            request.transport.close()
        else:
            await response.write(wire[offset:])
        return response

    async with server(handler) as url, Client(url) as client:
        got = [frame async for frame in client.log("j1", follow=True)]
    assert got == [Frame(1, b"line %d\n" % number) for number in range(100)]
    assert len(offsets) == 3
    assert offsets[0] == 0


async def test_a_download_resumes_and_is_verified() -> None:
    content = bytes(range(256)) * 4096
    starts: list[int] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        start = request.http_range.start or 0
        starts.append(start)
        response = web.StreamResponse(
            status=206 if start else 200, headers={"Content-Length": str(len(content) - start)}
        )
        await response.prepare(request)
        if len(starts) == 1:
            await response.write(content[: len(content) // 2])
            assert request.transport
            request.transport.close()
        else:
            await response.write(content[start:])
        return response

    digest = hashlib.sha256(content).hexdigest()
    async with server(handler) as url, Client(url) as client:
        assert b"".join([block async for block in client.download(digest)]) == content
        assert len(starts) == 2
        with pytest.raises(InvalidMessage, match="damaged"):
            async for _ in client.download("0" * 64):
                pass
