"""What devices are and did, in words."""

from __future__ import annotations

import pytest

from telerun_magic.render.devices import doing, names, state, used
from telerun_protocol.messages import Device, DeviceReading, DeviceUse

GPU = Device(kind="nvidia", name="NVIDIA H100", arch="sm_90")
EMULATED = Device(kind="emulated", name="CPU emulation (compute_80)")


def test_equal_devices_are_counted() -> None:
    assert names([GPU, EMULATED, GPU]) == "2 × NVIDIA H100 (sm_90), CPU emulation (compute_80)"
    assert names([]) == ""


def test_what_a_device_did() -> None:
    use = DeviceUse(
        id="GPU-0",
        samples=4,
        seconds=2.0,
        utilization=0.52,
        utilization_peak=0.9,
        memory_peak_bytes=8 << 30,
        power_w=300.2,
        power_peak_w=300.4,
        temperature_peak_c=82.0,
        sm_clock_hz=1.5e9,
        throttled=("heat", "power limit"),
    )
    assert used(use) == (
        "busy 52 % (peak 90), memory 8 GiB, power 300 W, 82 °C, 1500 MHz, clock held down by heat, power limit"
    )
    assert used(DeviceUse(id="MIG-0", samples=0, seconds=0.0)) == ""


@pytest.mark.parametrize(
    ("reading", "told"),
    [
        (DeviceReading(id="x", at=0), "free"),
        (DeviceReading(id="x", at=0, leased=True, foreign=2), "a job has it, used by 2 others"),
        (DeviceReading(id="x", at=0, leased=True, quarantined="Xid 79."), "quarantined: Xid 79."),
    ],
)
def test_whether_a_job_could_have_it(reading: DeviceReading, told: str) -> None:
    assert state(reading) == told


def test_what_a_device_does() -> None:
    reading = DeviceReading(id="x", at=0, utilization=0.5, memory_used_bytes=1 << 30, power_w=99.6)
    assert doing(reading) == ("50 %", "1 GiB", "100 W", "")
