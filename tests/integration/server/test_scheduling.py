"""Who is served next, and by whom."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from telerun_protocol.client import Client
from telerun_protocol.errors import NoSuchExecutor
from telerun_protocol.messages import DeviceReading, HeartbeatRequest, ToolchainInfo
from telerun_protocol.states import Language
from telerun_server.config import Config

from .conftest import EMULATED, GPU, Executor, World, Worlds, submit

LANGUAGES = " ".join(sorted(Language))


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
    job = await submit(ada, gpus=1)  # nobody is known: it may wait
    patient = await submit(ada, gpus=1, wait_for_executor=True)
    plain = await world.executor("plain", toolchains=cuda(Language.COMMAND))
    assert (await ada.job(job.id)).waiting_for is None
    (claim,) = await plain.claim(2)  # nobody has a GPU: it is told so by whoever can compile
    assert claim.job_id == job.id
    assert "1 GPU" in str((await ada.job(patient.id)).waiting_for)

    gpu = await world.executor("gpu", devices=(GPU,), toolchains=cuda(Language.COMMAND))
    assert [claim.job_id for claim in await gpu.claim()] == [patient.id]
    job = await submit(ada, gpus=1)
    assert await plain.claim() == []
    assert [claim.job_id for claim in await gpu.claim()] == [job.id]


async def test_what_nobody_known_could_ever_do_is_refused_with_what_there_is(world: World, ada: Client) -> None:
    await world.executor("plain", toolchains=cuda())
    gpu = await world.executor("gpu", devices=(GPU,), labels=("lab-3",))
    await gpu.client.heartbeat(HeartbeatRequest(instance=gpu.info.instance, leaving=True))  # away, but known
    with pytest.raises(NoSuchExecutor, match=r"2 GPUs.*--wait-for-executor") as refused:
        await submit(ada, gpus=2)
    assert refused.value.items == ("plain: cu; no device", f"gpu: {LANGUAGES}; {GPU.name} (sm_90); labels lab-3")
    for wish in ({"labels": ("gpu-memory>=90GB",)}, {"device": "tpu"}, {"labels": ("sm_100",), "gpus": 1}):
        with pytest.raises(NoSuchExecutor):
            await submit(ada, **wish)
    for wish in ({"labels": ("gpu-memory>=40GB", "h100", "LAB-3")}, {"gpus": 2, "wait_for_executor": True}):
        job = await submit(ada, **wish)
        assert "an executor with" in str((await ada.job(job.id)).waiting_for)


async def test_emulation_is_for_whom_it_may_be(make_world: Worlds, tmp_path: Path) -> None:
    for policy in ("never", "allow"):
        world = await make_world(Config(emulation=policy), tmp_path / policy)
        ada = await world.client("ada")
        laptop = await world.executor("laptop", devices=(EMULATED,))
        assert (await ada.limits()).emulation == policy
        if policy == "never":
            with pytest.raises(NoSuchExecutor, match="--emulate"):
                await submit(ada, gpus=1)
        else:
            await submit(ada, gpus=1)
        with pytest.raises(NoSuchExecutor):
            await submit(ada, gpus=1, emulate=False)
        await submit(ada, gpus=1, emulate=True)
        await submit(ada, gpus=1, device="emulated")
        assert all(claim.spec.emulate or claim.spec.device for claim in await laptop.claim(max_jobs=9))


async def test_real_gpus_come_before_emulated_ones(world: World, ada: Client) -> None:
    laptop = await world.executor("laptop", devices=(EMULATED,))
    gpu = await world.executor("gpu", devices=(GPU, EMULATED))
    real, any_, emulated = [
        await submit(ada, gpus=1, **more) for more in ({}, {"emulate": True}, {"device": "emulated"})
    ]
    assert [claim.job_id for claim in await laptop.claim(max_jobs=9)] == [emulated.id]
    ill = DeviceReading(id=GPU.id, at=0, quarantined="Xid 79: it has fallen off the bus")
    await gpu.client.heartbeat(HeartbeatRequest(instance=gpu.info.instance, readings=(ill,)))
    assert "gpu has a device in quarantine" in str((await ada.job(real.id)).waiting_for)
    assert [claim.job_id for claim in await laptop.claim(max_jobs=9)] == [any_.id]
    assert await gpu.claim() == []
    async with asyncio.TaskGroup() as group:
        claiming = group.create_task(gpu.claim_one())
        await world.listening("claims", 1)
        well = DeviceReading(id=GPU.id, at=1)
        await gpu.client.heartbeat(HeartbeatRequest(instance=gpu.info.instance, readings=(well,)))
    assert claiming.result().job_id == real.id


async def test_readings_of_devices_are_told(world: World, ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telerun_server.connections.READINGS_APART_S", 0.0)
    gpu = await world.executor("gpu", devices=(GPU,), labels=("lab-3",))
    for at in (1.0, 2.0):
        reading = DeviceReading(id=GPU.id, at=at, utilization=0.5, power_w=300.0)
        await gpu.client.heartbeat(HeartbeatRequest(instance=gpu.info.instance, readings=(reading,)))
    await gpu.client.heartbeat(HeartbeatRequest(instance=gpu.info.instance))
    (seen,) = (await ada.executors()).executors
    assert [(one.at, one.power_w) for one in seen.readings] == [(2.0, 300.0)]
    assert {"lab-3", "h100", "sm_90", "cuda", "gpu"} <= set(seen.labels)
    (seen,) = (await ada.executors(history=True)).executors
    assert [one.at for one in seen.readings] == [1.0, 2.0]
    monkeypatch.undo()
    later = DeviceReading(id=GPU.id, at=3.0)
    await gpu.client.heartbeat(HeartbeatRequest(instance=gpu.info.instance, readings=(later,)))
    (seen,) = (await ada.executors(history=True)).executors
    assert [one.at for one in seen.readings] == [1.0, 3.0]  # a moment later: in the place of the last
    await gpu.client.heartbeat(HeartbeatRequest(instance=gpu.info.instance, leaving=True))
    (seen,) = (await ada.executors()).executors
    assert seen.readings == ()


async def test_an_executor_that_leaves_is_not_counted_on(world: World, ada: Client) -> None:
    await world.executor("plain", toolchains=cuda())
    gpu = await world.executor("gpu", devices=(GPU,), toolchains=cuda(Language.COMMAND))
    job = await submit(ada, language=Language.COMMAND, gpus=1, labels=("gpu",))
    assert (await ada.job(job.id)).waiting_for is None
    await gpu.client.heartbeat(HeartbeatRequest(instance=gpu.info.instance, leaving=True, wait_s=10))
    assert {one.name: one.online for one in (await ada.executors()).executors} == {"plain": True, "gpu": False}
    assert (await ada.job(job.id)).waiting_for is not None
    assert await gpu.claim(wait_s=10) == []  # what it asked before it left


async def test_what_only_one_that_left_had_is_emulated_at_once(world: World, ada: Client) -> None:
    plain = await world.executor("plain", devices=(EMULATED,), toolchains=cuda(Language.COMMAND))
    gpu = await world.executor("gpu", devices=(GPU,))
    job = await submit(ada, gpus=1, emulate=True)
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
        job = await submit(ada, **wish, wait_for_executor=True)
        assert told in str((await ada.job(job.id)).waiting_for)
