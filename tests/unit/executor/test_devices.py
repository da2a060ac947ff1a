"""Who gets which device: leases, turns, and devices that are out of service."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from telerun_executor.devices.base import Care, Devices, Lease
from telerun_protocol.errors import SandboxError
from telerun_protocol.messages import Device, DeviceReading, FileRef, JobSpec
from telerun_protocol.states import Language

H100 = tuple(
    Device(kind="nvidia", name="NVIDIA H100", id=f"H{number}", arch="sm_90", memory_bytes=80 << 30)
    for number in range(2)
)
T4 = Device(kind="nvidia", name="Tesla T4", id="T0", arch="sm_75", memory_bytes=16 << 30)
EMULATED = tuple(Device(kind="emulated", name="CPU emulation", id=f"emulated-{number}") for number in range(2))


def gpus(count: int) -> Devices:
    return Devices([Device(kind="nvidia", name="x", id=str(number)) for number in range(count)])


def spec(**fields: Any) -> JobSpec:
    return JobSpec(language=Language.CUDA, files=(FileRef(path="a.cu", sha256="0" * 64, size_bytes=1),), **fields)


async def take(devices: Devices, count: int, *among: Device) -> list[str]:
    """What one job got, given back at once."""
    async with devices.lease(count, among or devices.all) as lease:
        return [device.id for device in lease.devices]


# ----------------------------------------------------------------------------------------------------------- choosing


@pytest.mark.parametrize(
    ("wish", "ids"),
    [
        ({}, ["H0", "H1", "T0"]),
        ({"gpus": 3}, ["H0", "H1", "T0"]),
        ({"gpus": 4}, []),
        ({"device": "h100", "gpus": 2}, ["H0", "H1"]),
        ({"device": "h100", "gpus": 3}, []),
        ({"labels": ("gpu-memory>=40GB",)}, ["H0", "H1"]),
        ({"labels": ("sm_75", "lab-3")}, ["T0"]),
        ({"labels": ("lab-4",)}, []),
        ({"emulate": True}, ["H0", "H1", "T0"]),
        ({"emulate": True, "gpus": 4}, []),
        ({"device": "emulated", "gpus": 2}, ["emulated-0", "emulated-1"]),
        ({"labels": ("emulated",)}, ["emulated-0", "emulated-1"]),
    ],
)
def test_candidates(wish: dict[str, Any], ids: list[str]) -> None:
    devices = Devices([*H100, T4, *EMULATED], labels=("Lab-3",))
    assert [device.id for device in devices.candidates(spec(**wish))] == ids


def test_emulation_stands_in_for_gpus_that_are_out_of_service() -> None:
    devices = Devices([H100[0], *EMULATED])
    devices.quarantine("H0", "ill")
    assert devices.candidates(spec()) == (H100[0],)  # it may come back
    assert devices.candidates(spec(emulate=True)) == EMULATED
    devices.back_in_service("H0")
    assert devices.candidates(spec(emulate=True)) == (H100[0],)


# ------------------------------------------------------------------------------------------------------------ lending


async def test_a_device_is_lent_to_one_at_a_time() -> None:
    devices = gpus(2)
    used: set[str] = set()

    async def use() -> None:
        async with devices.lease(1, devices.all) as lease:
            (device,) = lease.devices
            assert device.id not in used
            used.add(device.id)
            await asyncio.sleep(0.001)
            used.remove(device.id)

    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(use())
    assert devices.free(devices.all) == 2


async def test_whoever_wants_many_is_not_overtaken_for_ever() -> None:
    devices = gpus(2)
    order: list[int] = []
    may_go = asyncio.Event()

    async def use(count: int) -> None:
        async with devices.lease(count, devices.all):
            order.append(count)
            await may_go.wait()

    async with asyncio.TaskGroup() as group:
        for count in (1, 2, 1):
            group.create_task(use(count))
            await asyncio.sleep(0)
        assert order == [1]
        may_go.set()
    assert order == [1, 2, 1]


async def test_who_wants_something_else_does_not_wait_behind() -> None:
    devices = Devices([*H100, T4])
    async with devices.lease(1, H100):
        waiting = asyncio.ensure_future(take(devices, 2, *H100))
        await asyncio.sleep(0)
        assert await take(devices, 1, T4) == ["T0"]
        assert not waiting.done()
    assert await waiting == ["H0", "H1"]


async def test_a_waiter_that_gives_up_takes_nothing() -> None:
    devices = gpus(1)
    async with devices.lease(1, devices.all):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), devices.lease(1, devices.all):
                pass
    assert devices.free(devices.all) == 1


async def test_a_waiter_that_is_cancelled_just_when_it_is_served_takes_nothing() -> None:
    devices = gpus(1)
    async with devices.lease(1, devices.all):
        waiting = asyncio.ensure_future(take(devices, 1))
        await asyncio.sleep(0)
    waiting.cancel()  # its future has the device already
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert devices.free(devices.all) == 1


async def test_no_device_is_had_at_once() -> None:
    devices = gpus(0)
    async with devices.lease(0, ()) as lease:
        assert lease.devices == ()


# ----------------------------------------------------------------------------------------------------- out of service


async def test_who_waits_for_what_is_out_of_service_is_told() -> None:
    devices = gpus(2)
    changes: list[int] = []
    devices.on_change = lambda: changes.append(len(devices.quarantined))
    async with devices.lease(2, devices.all):
        waiting = asyncio.ensure_future(take(devices, 2))
        await asyncio.sleep(0)
        devices.quarantine("1", "Xid 79.")
    with pytest.raises(SandboxError, match=r"out of service: Xid 79\."):
        await waiting
    assert await take(devices, 1) == ["0"]
    assert [(one.id, one.quarantined) for one in devices.readings()] == [("0", ""), ("1", "Xid 79.")]
    devices.back_in_service("1")
    assert await take(devices, 2) == ["0", "1"]
    assert changes == [1, 0]


class Carer(Care):
    """Finds somebody else's program on the first device, and takes its time."""

    def __init__(self) -> None:
        self.looked = asyncio.Event()

    async def begin(self, lease: Lease) -> None:
        return

    async def end(self, lease: Lease) -> None:
        await self.looked.wait()
        lease.notes = ("looked at",)

    def reading(self, device: Device) -> DeviceReading | None:
        return DeviceReading(id=device.id, at=1.0, foreign=1 if device.id == "0" else 0)


async def test_a_device_is_free_when_it_has_been_looked_at() -> None:
    devices = gpus(2)
    devices.care = carer = Carer()

    async def use() -> Lease:
        async with devices.lease(1, devices.all) as lease:
            assert [device.id for device in lease.devices] == ["1"]  # which nobody else uses
        return lease

    using = asyncio.ensure_future(use())
    await asyncio.sleep(0.01)
    assert [one.leased for one in devices.readings()] == [False, True]
    carer.looked.set()
    assert (await using).notes == ("looked at",)
    assert not any(one.leased for one in devices.readings())


async def test_what_was_not_looked_at_is_out_of_service() -> None:
    devices = gpus(1)
    devices.care = Carer()
    using = asyncio.ensure_future(take(devices, 1))
    await asyncio.sleep(0.01)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert "not looked at" in devices.readings()[0].quarantined
