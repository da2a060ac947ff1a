"""The NVIDIA GPUs of this machine, as their driver's management library (NVML) tells."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pynvml

from telerun_protocol.messages import Device

log = logging.getLogger(__name__)
KIND = "nvidia"
VISIBLE = "CUDA_VISIBLE_DEVICES"


def inventory(nvml: Any = pynvml, *, visible: str | None = None) -> tuple[Device, ...]:
    """The GPUs, none without a driver. A GPU that does not answer is left out and named in the log.

    `visible` is the value of CUDA_VISIBLE_DEVICES: only what it names is ours, the rest may be given to others.
    """
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return ()
    try:
        driver = _text(nvml.nvmlSystemGetDriverVersion())
        gpus = [_gpu(nvml, index, driver) for index in range(nvml.nvmlDeviceGetCount())]
        if visible is not None:
            return tuple(_visible(nvml, gpus, visible))
        return tuple(gpu for gpu in gpus if gpu is not None)
    except nvml.NVMLError as error:
        log.warning("the NVIDIA driver does not tell its GPUs", extra={"error": str(error)})
        return ()
    finally:
        nvml.nvmlShutdown()


def _gpu(nvml: Any, index: int, driver: str) -> Device | None:
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
        return _device(nvml, handle, f"sm_{major}{minor}", driver)
    except nvml.NVMLError as error:
        log.warning("a GPU does not answer and is left out", extra={"index": index, "error": str(error)})
        return None


def _device(nvml: Any, handle: Any, arch: str | None, driver: str | None) -> Device:
    return Device(
        kind=KIND,
        name=_text(nvml.nvmlDeviceGetName(handle)),
        id=_text(nvml.nvmlDeviceGetUUID(handle)),
        arch=arch,
        memory_bytes=nvml.nvmlDeviceGetMemoryInfo(handle).total,
        driver=driver,
    )


def _visible(nvml: Any, gpus: Sequence[Device | None], words: str) -> Iterator[Device]:
    """What CUDA shows for these words, in their order: as far as each of them names a device, and a new one."""
    taken = set[str]()
    for word in words.split(",") if words.strip() else ():
        device = _named(nvml, gpus, word.strip())
        if device is None or device.id in taken:
            log.warning("a word names no further GPU; it and those after it are left out", extra={VISIBLE: words})
            return
        taken.add(device.id)
        yield device


def _named(nvml: Any, gpus: Sequence[Device | None], word: str) -> Device | None:
    """By its number, or by an id or as much of one as is unmistakable."""
    if word.isdecimal():
        return gpus[int(word)] if int(word) < len(gpus) else None
    if not word.startswith(("GPU-", "MIG-")):
        return None
    candidates = _slices(nvml, gpus) if word.startswith("MIG-") else gpus
    found = [device for device in candidates if device and device.id.startswith(word)]
    return found[0] if len(found) == 1 else None


def _slices(nvml: Any, gpus: Sequence[Device | None]) -> Iterator[Device]:
    """The parts (MIG) that GPUs are divided into."""
    for index, gpu in enumerate(gpus):
        if gpu is None:
            continue
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        with contextlib.suppress(nvml.NVMLError):  # a GPU that cannot be divided
            for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
                with contextlib.suppress(nvml.NVMLError):  # there are fewer parts than there may be
                    part = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
                    yield _device(nvml, part, gpu.arch, gpu.driver)


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
