"""What is kept for how long."""

from __future__ import annotations

import time

import pytest

from telerun_protocol.client import file_ref
from telerun_protocol.errors import NotFound
from telerun_protocol.logframes import encode_frame
from telerun_protocol.messages import Artifact, Result
from telerun_protocol.states import Language, State
from telerun_server.config import Config
from telerun_server.maintenance import purge

from .conftest import World, Worlds, spec, submit


async def purge_at(world: World, config: Config, now: float) -> None:
    parts = world.server.parts
    await purge(parts.store, parts.queue, parts.files, parts.logs, config, now)


def files(world: World, folder: str) -> int:
    return sum(path.is_file() for path in (world.folder / folder).rglob("*"))


async def test_finished_jobs_go_with_all_that_is_theirs(make_world: Worlds) -> None:
    config = Config(retention_s=100, blob_retention_s=10)
    world = await make_world(config)
    ada, box = await world.client("ada"), await world.executor()
    source = file_ref("main.cpp", b"int main() {}")
    shared = {source.sha256: b"int main() {}"}
    ended = await ada.submit_with(spec(language=Language.CPP, files=(source,)), shared)
    claim = await box.claim_one()
    await box.client.append_log(claim.job_id, claim.claim_id, 0, encode_frame(1, b"hello"))
    sha256 = await box.client.upload(b"result", claim=(claim.job_id, claim.claim_id))
    artifact = Artifact(path="out/x", sha256=sha256, size_bytes=6)
    await box.finish(claim, Result(state=State.SUCCEEDED, artifacts=(artifact,)))
    waiting = await ada.submit_with(spec(language=Language.CPP, files=(source,)), shared)
    await ada.upload(b"named by no job")

    await purge_at(world, config, time.time() + 50)
    assert (await ada.job(ended.id)).result is not None
    assert files(world, "blobs") == 2  # the upload that no job names is gone

    await purge_at(world, config, time.time() + 200)
    with pytest.raises(NotFound):
        await ada.job(ended.id)
    with pytest.raises(NotFound):
        [frame async for frame in ada.log(ended.id)]
    assert files(world, "logs") == 0
    assert files(world, "blobs") == 1  # the waiting job's source
    assert (await ada.job(waiting.id)).state is State.QUEUED
    assert [claim.job_id for claim in await box.claim()] == [waiting.id]


async def test_numbers_are_not_given_twice(make_world: Worlds) -> None:
    config = Config(retention_s=1)
    world = await make_world(config)
    ada = await world.client("ada")
    first = await submit(ada)
    await ada.cancel(first.id)
    await purge_at(world, config, time.time() + 100)
    assert (await submit(ada)).number == first.number + 1
