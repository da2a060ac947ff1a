"""Who is served next, and by whom."""

from __future__ import annotations

import asyncio

from telerun_protocol.client import Client
from telerun_protocol.messages import HeartbeatRequest, ToolchainInfo
from telerun_protocol.states import Language

from .conftest import GPU, Executor, World, submit


async def test_the_least_recently_served_user_is_next(world: World, box: Executor) -> None:
    ada, bob, cy = [await world.client(name) for name in ("ada", "bob", "cy")]
    for client, count in ((ada, 3), (cy, 1), (bob, 2)):
        for _ in range(count):
            await submit(client)
    expected = {"ada": [1, 4, 6], "cy": [2], "bob": [3, 5]}
    for client, name in ((ada, "ada"), (bob, "bob"), (cy, "cy")):
        jobs = (await client.jobs()).jobs
        assert [job.queue_position for job in reversed(jobs)] == expected[name]
    served = [claim.owner for _ in range(6) for claim in await box.claim()]
    assert served == ["ada", "cy", "bob", "ada", "bob", "ada"]
    await submit(ada)
    await submit(cy)
    dan = await world.client("dan")
    await submit(dan)
    assert [claim.owner for claim in await box.claim(max_jobs=5)] == ["dan", "cy", "ada"]


def cuda(*more: Language) -> tuple[ToolchainInfo, ...]:
    return tuple(ToolchainInfo(language=language, version="1") for language in (Language.CUDA, *more))


async def test_a_gpu_job_waits_for_the_gpu_or_goes_where_it_compiles(world: World, ada: Client) -> None:
    plain = await world.executor("plain", toolchains=cuda(Language.COMMAND))
    job = await submit(ada, gpus=1)
    assert (await ada.job(job.id)).waiting_for is None
    (claim,) = await plain.claim()  # nobody has a GPU: it is told so by whoever can compile
    assert claim.job_id == job.id

    gpu = await world.executor("gpu", devices=(GPU,), toolchains=cuda(Language.COMMAND))
    job = await submit(ada, gpus=1)
    assert await plain.claim() == []
    assert [claim.job_id for claim in await gpu.claim()] == [job.id]
    await submit(ada, gpus=2)
    assert len(await plain.claim()) == 1  # no one machine has two


async def test_an_executor_that_leaves_is_not_counted_on(world: World, ada: Client) -> None:
    await world.executor("plain", toolchains=cuda())
    gpu = await world.executor("gpu", devices=(GPU,), toolchains=cuda(Language.COMMAND))
    job = await submit(ada, language=Language.COMMAND, gpus=1, labels=("gpu",))
    assert (await ada.job(job.id)).waiting_for is None
    await gpu.client.heartbeat(HeartbeatRequest(instance=gpu.info.instance, leaving=True, wait_s=10))
    assert {one.name: one.online for one in (await ada.executors()).executors} == {"plain": True, "gpu": False}
    assert (await ada.job(job.id)).waiting_for is not None
    assert await gpu.claim(wait_s=10) == []  # what it asked before it left


async def test_what_only_one_that_left_had_is_told_to_others_at_once(world: World, ada: Client) -> None:
    plain = await world.executor("plain", toolchains=cuda(Language.COMMAND))
    gpu = await world.executor("gpu", devices=(GPU,))
    job = await submit(ada, gpus=1)
    async with asyncio.TaskGroup() as group:
        claiming = group.create_task(plain.claim_one())
        await world.listening("claims", 1)
        await gpu.client.heartbeat(HeartbeatRequest(instance=gpu.info.instance, leaving=True))
    assert claiming.result().job_id == job.id


async def test_executors_of_a_removed_account_are_forgotten(world: World, ada: Client, box: Executor) -> None:
    await world.executor("other")
    await world.server.parts.accounts.remove("box", executor=True)
    assert [one.name for one in (await ada.executors()).executors] == ["other"]


async def test_devices_and_labels_decide(world: World, ada: Client) -> None:
    plain = await world.executor("plain")
    gpu = await world.executor("gpu", devices=(GPU,), labels=("lab-3",))
    for wish in ({"device": "h100"}, {"labels": ("lab-3",)}, {"labels": ("sm_90", "gpu")}, {"device": "nvidia"}):
        job = await submit(ada, **wish)
        assert (await ada.job(job.id)).waiting_for is None
        assert await plain.claim() == []
        assert [claim.job_id for claim in await gpu.claim()] == [job.id]


async def test_why_a_job_waits(world: World, ada: Client) -> None:
    job = await submit(ada)
    assert "none is connected" in str((await ada.job(job.id)).waiting_for)
    await world.executor("plain", toolchains=cuda())
    assert "command" in str((await ada.job(job.id)).waiting_for)
    await world.executor("other")
    assert (await ada.job(job.id)).waiting_for is None
    for wish, told in (({"labels": ("lab-9",)}, "lab-9"), ({"device": "mi300"}, "mi300")):
        job = await submit(ada, **wish)
        assert told in str((await ada.job(job.id)).waiting_for)
