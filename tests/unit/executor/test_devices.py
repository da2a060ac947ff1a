"""Devices: what NVML tells, and who may use them."""

# ruff: noqa: N802 - the driver's library names its functions so

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pynvml
import pytest

from telerun_executor.devices.base import Devices
from telerun_executor.devices.nvidia import inventory
from telerun_protocol.messages import Device

PART = 100  # handles of the parts of a divided GPU begin here
DIVIDED = {12}


@dataclass
class Memory:
    total: int


class Nvml:
    """What the driver's library answers on a machine with these GPUs; a None does not answer."""

    NVMLError = pynvml.NVMLError

    def __init__(self, *gpus: tuple[str, tuple[int, int], int] | None, driver: bool = True) -> None:
        self._gpus = gpus
        self._driver = driver
        self.is_open = False

    def nvmlInit(self) -> None:
        if not self._driver:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
        self.is_open = True

    def nvmlShutdown(self) -> None:
        self.is_open = False

    def nvmlSystemGetDriverVersion(self) -> str:
        return "580.65.06"

    def nvmlDeviceGetCount(self) -> int:
        return len(self._gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        if self._gpus[index] is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return index

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: int) -> int:
        if handle in DIVIDED:
            return 7
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: int, number: int) -> int:
        if number < 2:
            return PART * (handle + 1) + number
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)

    def _gpu(self, handle: int) -> tuple[str, tuple[int, int], int]:
        gpu = self._gpus[handle // PART - 1 if handle >= PART else handle]
        assert gpu
        return gpu

    def nvmlDeviceGetName(self, handle: int) -> bytes:
        return self._gpu(handle)[0].encode()  # older bindings give bytes

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"MIG-{handle}" if handle >= PART else f"GPU-{handle}"

    def nvmlDeviceGetCudaComputeCapability(self, handle: int) -> tuple[int, int]:
        return self._gpu(handle)[1]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Memory:
        return Memory(self._gpu(handle)[2])


def test_without_a_driver_there_are_none() -> None:
    assert inventory(Nvml(driver=False)) == ()


def test_the_inventory_of_this_machine_can_be_taken() -> None:
    for device in inventory():
        assert device.id.startswith("GPU-")


def test_what_a_gpu_tells() -> None:
    nvml = Nvml(("NVIDIA H200", (9, 0), 141 << 30), None, ("NVIDIA B200", (10, 0), 192 << 30))
    first, second = inventory(nvml)
    assert first == Device(
        kind="nvidia", name="NVIDIA H200", id="GPU-0", arch="sm_90", memory_bytes=141 << 30, driver="580.65.06"
    )
    assert (second.id, second.arch) == ("GPU-2", "sm_100")
    assert not nvml.is_open


@pytest.mark.parametrize(
    ("visible", "ids"),
    [
        (None, [f"GPU-{number}" for number in range(13) if number != 5]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("3", ["GPU-3"]),
        ("2, 0", ["GPU-2", "GPU-0"]),
        ("0,13,1", ["GPU-0"]),  # from the first that names none
        ("0,,1", ["GPU-0"]),
        ("0,0,1", ["GPU-0"]),
        ("6,5,4", ["GPU-6"]),  # GPU 5 does not answer; the others keep their numbers
        ("GPU-3,GPU-11", ["GPU-3", "GPU-11"]),
        ("GPU", []),
        ("GPU-1", []),  # may be 1, 10, 11 or 12
        ("MIG-1300,MIG-1301", ["MIG-1300", "MIG-1301"]),
        ("MIG-1302", []),
        ("MIG-", []),
    ],
)
def test_what_cuda_visible_devices_leaves(visible: str | None, ids: list[str]) -> None:
    h200 = ("NVIDIA H200", (9, 0), 141 << 30)
    found = inventory(Nvml(*(None if number == 5 else h200 for number in range(13))), visible=visible)
    assert [device.id for device in found] == ids
    assert {device.arch for device in found} <= {"sm_90"}


def gpus(count: int) -> Devices:
    return Devices([Device(kind="nvidia", name="x", id=str(number)) for number in range(count)])


async def test_a_device_is_lent_to_one_at_a_time() -> None:
    devices = gpus(2)
    used: set[str] = set()

    async def use() -> None:
        async with devices.lease(1) as (device,):
            assert device.id not in used
            used.add(device.id)
            await asyncio.sleep(0.001)
            used.remove(device.id)

    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(use())
    assert devices.free == 2


async def test_whoever_wants_many_is_not_overtaken_for_ever() -> None:
    devices = gpus(2)
    order: list[int] = []
    may_go = asyncio.Event()

    async def use(count: int) -> None:
        async with devices.lease(count):
            order.append(count)
            await may_go.wait()

    async with asyncio.TaskGroup() as group:
        for count in (1, 2, 1):
            group.create_task(use(count))
            await asyncio.sleep(0)
        assert order == [1]
        may_go.set()
    assert order == [1, 2, 1]


async def test_a_waiter_that_gives_up_takes_nothing() -> None:
    devices = gpus(1)
    async with devices.lease(1):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), devices.lease(1):
                pass
    assert devices.free == 1


async def test_no_device_is_had_at_once() -> None:
    devices = gpus(0)
    async with devices.lease(0) as lent:
        assert lent == ()
