"""What NVML tells of a machine's GPUs, through the real bindings and a stand-in for the driver's library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests_fake_gpu import GIB, FakeGpus

from telerun_executor.devices.nvidia import inventory, profiling_allowed
from telerun_protocol.messages import Device

SCRIPT = """
import json, sys, msgspec
from telerun_executor.devices.nvidia import inventory
print(json.dumps([msgspec.to_builtins(inventory(visible=words)) for words in json.loads(sys.argv[1])]))
"""
CASES: dict[str | None, list[str]] = {
    None: [*(f"GPU-{number}" for number in range(13) if number not in (5, 12)), "MIG-12-0", "MIG-12-1"],
    "": [],
    "-1": [],
    "NoDevFiles": [],
    "3": ["GPU-3"],
    "2, 0": ["GPU-2", "GPU-0"],
    "0,13,1": ["GPU-0"],  # from the first that names none
    "0,,1": ["GPU-0"],
    "0,0,1": ["GPU-0"],
    "6,5,4": ["GPU-6"],  # GPU 5 does not answer; the others keep their numbers
    "GPU-3,GPU-11": ["GPU-3", "GPU-11"],
    "GPU": [],
    "GPU-1": [],  # may be 1, 10, 11 or 12
    "12": ["MIG-12-0", "MIG-12-1"],  # a divided one is its parts
    "GPU-12": ["MIG-12-0", "MIG-12-1"],
    "MIG-12-1,MIG-12-0": ["MIG-12-1", "MIG-12-0"],
    "MIG-12-2": [],
    "MIG-": [],
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str | None, list[Device]]:
    fake = FakeGpus(tmp_path_factory.mktemp("gpus"))
    for index in range(13):
        fake.add(index)
    fake.say(5, lost=1)
    fake.divide(12, 2)
    asked = [sys.executable, "-c", SCRIPT, json.dumps(list(CASES))]
    done = subprocess.run(asked, env={**os.environ, **fake.environment}, capture_output=True, timeout=60, check=True)
    return dict(zip(CASES, msgspec.convert(json.loads(done.stdout), list[list[Device]]), strict=True))


@pytest.mark.parametrize("visible", CASES)
def test_what_cuda_visible_devices_leaves(told: dict[str | None, list[Device]], visible: str | None) -> None:
    assert [device.id for device in told[visible]] == CASES[visible]


def test_what_a_gpu_and_a_part_of_one_tell(told: dict[str | None, list[Device]]) -> None:
    gpu, part = told[None][0], told[None][-1]
    assert gpu == Device(
        kind="nvidia",
        name="NVIDIA H100 80GB HBM3",
        id="GPU-0",
        arch="sm_90",
        memory_bytes=80 * GIB,
        driver="580.65.06",
        pci="00000000:10:00.0",
        sm_clock_hz=1.98e9,
        memory_clock_hz=2.619e9,
        ecc=True,
        profiling=profiling_allowed(),
    )
    assert (part.parent, part.gpu_instance, part.compute_instance) == ("GPU-12", 8, 0)
    assert (part.pci, part.arch, part.memory_bytes) == ("00000000:1C:00.0", "sm_90", 10 * GIB)


def test_the_inventory_of_this_machine_can_be_taken() -> None:
    for device in inventory():
        assert device.id.startswith(("GPU-", "MIG-"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("A: 1\nRmProfilingAdminOnly: 1\n", False), ("RmProfilingAdminOnly: 0\n", True), ("A: 1\n", None), (None, None)],
)
def test_whether_counters_may_be_read(tmp_path: Path, text: str | None, expected: bool | None) -> None:
    if text is not None:
        (tmp_path / "params").write_text(text)
    assert profiling_allowed(tmp_path / "params") is expected
