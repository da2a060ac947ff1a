"""Files: uploaded once, verified, and only for those they belong to."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import aiohttp
import pytest

from telerun_protocol import routes
from telerun_protocol.client import Client, file_ref
from telerun_protocol.errors import InvalidMessage, MissingBlobs, NotFound, StaleClaim
from telerun_protocol.messages import Artifact, Result
from telerun_protocol.states import Language, State
from telerun_server.config import Config

from .conftest import Executor, World, Worlds, spec

CODE = b"int main() {}\n"


async def content(client: Client, sha256: str, **options: object) -> bytes:
    return b"".join([block async for block in client.download(sha256, **options)])  # type: ignore[arg-type]


async def test_files_travel_to_the_executor_and_back(ada: Client, bob: Client, box: Executor) -> None:
    source = file_ref("main.cpp", CODE)
    job = await ada.submit_with(spec(language=Language.CPP, files=(source,), args=()), {source.sha256: CODE})
    claim = await box.claim_one()
    holds = (claim.job_id, claim.claim_id)
    assert await content(box.client, source.sha256, claim=holds) == CODE

    image = bytes(range(256)) * 10_000
    sha256 = await box.client.upload(image, claim=holds)
    artifact = Artifact(path="out/bäume 1.png", sha256=sha256, size_bytes=len(image), media_type="image/png")
    await box.finish(claim, Result(state=State.SUCCEEDED, artifacts=(artifact,)))

    assert b"".join([block async for block in ada.file(job.id, artifact.path, sha256)]) == image
    assert await content(ada, sha256) == image
    for other in (bob.file(job.id, artifact.path, sha256), bob.download(sha256), bob.download(source.sha256)):
        with pytest.raises(NotFound):
            [block async for block in other]
    with pytest.raises(NotFound):
        [block async for block in ada.file(job.id, "out/other.png", sha256)]
    with pytest.raises(StaleClaim):  # it has ended
        await content(box.client, source.sha256, claim=holds)


async def test_a_job_may_only_name_files_that_its_owner_has(ada: Client, bob: Client) -> None:
    source = file_ref("main.cpp", CODE)
    wanted = spec(language=Language.CPP, files=(source,), args=())
    with pytest.raises(MissingBlobs) as missing:
        await ada.submit(wanted)
    assert missing.value.items == (source.sha256,)
    await bob.upload(CODE)
    with pytest.raises(MissingBlobs):
        await ada.submit(wanted)
    await ada.upload(CODE)
    assert (await ada.submit(wanted)).spec.files == (source,)


async def test_a_wrong_size_is_refused(ada: Client) -> None:
    await ada.upload(CODE)
    source = file_ref("main.cpp", CODE + b"more")
    source = type(source)(path="main.cpp", sha256=hashlib.sha256(CODE).hexdigest(), size_bytes=source.size_bytes)
    with pytest.raises(InvalidMessage, match="14 bytes"):
        await ada.submit(spec(language=Language.CPP, files=(source,), args=()))


async def test_a_result_may_only_name_what_was_uploaded_for_the_job(ada: Client, bob: Client, box: Executor) -> None:
    sha256 = await bob.upload(b"a secret of bob's")
    await ada.submit(spec())
    claim = await box.claim_one()
    stolen = Artifact(path="out/stolen", sha256=sha256, size_bytes=17)
    with pytest.raises(MissingBlobs):
        await box.finish(claim, Result(state=State.SUCCEEDED, artifacts=(stolen,)))
    with pytest.raises(NotFound):
        await content(box.client, sha256, claim=(claim.job_id, claim.claim_id))


async def test_large_files_stream(ada: Client, tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(b"0123456789abcdef" * (1 << 20))
    sha256 = await ada.upload(file)
    assert await ada.upload(file) == sha256
    digest = hashlib.sha256()
    async for block in ada.download(sha256):
        digest.update(block)
    assert digest.hexdigest() == sha256


async def test_an_empty_file(ada: Client) -> None:
    assert await content(ada, await ada.upload(b"")) == b""


class Raw:
    """Requests that the client would not make."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    async def __call__(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self._url + path, data=body, headers={**self._headers, **headers}) as response,
        ):
            return response.status, dict(response.headers), await response.read()


@pytest.fixture
async def raw(world: World) -> Raw:
    return Raw(world.url, await world.server.parts.accounts.add("eve", "user"))


async def test_content_with_another_hash_is_refused_and_not_kept(world: World, raw: Raw) -> None:
    path = routes.fill(routes.BLOB, sha256="0" * 64)
    status, _, body = await raw("PUT", path, b"something else")
    assert status == 400
    assert b"sha256" in body
    assert (await raw("HEAD", path))[0] == 404
    assert not list((world.folder / "blobs" / "incoming").iterdir())


async def test_ranges(world: World, raw: Raw) -> None:
    data = bytes(range(200))
    path = routes.fill(routes.BLOB, sha256=hashlib.sha256(data).hexdigest())
    assert (await raw("PUT", path, data))[0] == 201
    for asked, first, last in (("0-9", 0, 10), ("190-", 190, 200), ("-5", 195, 200), ("150-999", 150, 200)):
        status, headers, body = await raw("GET", path, Range=f"bytes={asked}")
        assert (status, body) == (206, data[first:last])
        assert headers["Content-Range"] == f"bytes {first}-{last - 1}/200"
    assert (await raw("GET", path, Range="bytes=200-"))[0] == 416
    assert (await raw("GET", path, Range="lines=1-2"))[2] == data
    status, headers, body = await raw("HEAD", path)
    assert (status, headers["Content-Length"], body) == (200, "200", b"")


async def test_files_are_downloads_that_a_browser_does_not_run(world: World, raw: Raw, box: Executor) -> None:
    submitted = '{"spec": {"language": "command", "args": ["x"]}, "idempotency_key": "12345678"}'
    assert (await raw("POST", routes.JOBS, submitted))[0] == 200
    claim = await box.claim_one()
    page = b"<script>alert(1)</script>"
    sha256 = await box.client.upload(page, claim=(claim.job_id, claim.claim_id))
    artifact = Artifact(path='out/a"b;ü.html', sha256=sha256, size_bytes=len(page), media_type="text/html")
    await box.finish(claim, Result(state=State.SUCCEEDED, artifacts=(artifact,)))
    status, headers, body = await raw("GET", routes.fill(routes.FILE, job=claim.job_id, path=artifact.path))
    assert (status, body) == (200, page)
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%22b%3B%C3%BC.html"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]


async def test_too_large_a_file_is_refused_with_a_hint(make_world: Worlds) -> None:
    world = await make_world(Config(blob_bytes=1 << 20))
    raw = Raw(world.url, await world.server.parts.accounts.add("eve", "user"))
    data = b"x" * ((1 << 20) + 1)
    path = routes.fill(routes.BLOB, sha256=hashlib.sha256(data).hexdigest())

    async def chunks() -> object:
        for start in range(0, len(data), 1 << 16):
            yield data[start : start + (1 << 16)]

    for body in (io.BytesIO(data), chunks()):
        status, _, answer = await raw("PUT", path, body)
        assert status == 413
        assert b"1 MiB" in answer
        assert b"hint" in answer
    assert not list((world.folder / "blobs" / "incoming").iterdir())
