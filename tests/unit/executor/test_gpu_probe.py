"""The probe of a GPU, with a stand-in for the driver."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests_fake_gpu import FakeGpus

from telerun_executor.devices.probe import probe
from telerun_protocol.messages import Device


def gpu(index: int) -> Device:
    return Device(kind="nvidia", name="x", id=f"GPU-{index}")


async def test_what_a_probe_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeGpus(tmp_path)
    for index, behaviour in enumerate(("ok", "fail", "wrong", "hang")):
        fake.add(index, probe=behaviour)
    for name, value in fake.environment.items():
        monkeypatch.setenv(name, value)
    assert await probe(gpu(0)) == ""
    assert await probe(gpu(1)) == "cuInit failed: unknown error (999)."
    assert await probe(gpu(2)) == "A small program on it computed 1 of 256 values wrongly."
    assert await probe(gpu(3), limit_s=1.0) == "A small program on it did not end within 1 s."
    assert "no CUDA-capable device" in await probe(gpu(4))


async def test_without_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    told = await probe(gpu(0))
    assert "libcuda.so.1" in told or "cuInit" in told or "cuDeviceGet" in told
