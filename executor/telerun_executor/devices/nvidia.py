"""The NVIDIA GPUs of this machine, as their driver's management library (NVML) tells.

A GPU that is divided (MIG) is not offered itself: its parts are, each as a device of its own.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pynvml

from telerun_protocol.matching import NVIDIA
from telerun_protocol.messages import Device

log = logging.getLogger(__name__)
VISIBLE = "CUDA_VISIBLE_DEVICES"
MEGAHERTZ = 1e6
DRIVER_PARAMETERS = Path("/proc/driver/nvidia/params")
T = TypeVar("T")


def inventory(*, visible: str | None = None) -> tuple[Device, ...]:
    """The GPUs and parts of GPUs, none without a driver. What does not answer is left out and named in the log.

    `visible` is the value of CUDA_VISIBLE_DEVICES: only what it names is ours, the rest may be given to others.
    """
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        driver = text(pynvml.nvmlSystemGetDriverVersion())
        gpus = [_gpu(index, driver) for index in range(pynvml.nvmlDeviceGetCount())]
        offered = [device for gpu in gpus for device in (gpu or ())]
        return tuple(offered if visible is None else _visible(gpus, visible))
    except pynvml.NVMLError as error:
        log.warning("the NVIDIA driver does not tell its GPUs", extra={"error": str(error)})
        return ()
    finally:
        pynvml.nvmlShutdown()


def _gpu(index: int, driver: str) -> tuple[Device, ...] | None:
    """A GPU, or the parts it is divided into; None where it does not answer."""
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
        whole = {
            "arch": f"sm_{major}{minor}",
            "driver": driver,
            "pci": text(pynvml.nvmlDeviceGetPciInfo(handle).busId),
            "sm_clock_hz": _clock(handle, pynvml.NVML_CLOCK_SM),
            "memory_clock_hz": _clock(handle, pynvml.NVML_CLOCK_MEM),
            "ecc": _switch(pynvml.nvmlDeviceGetEccMode, handle),
            "profiling": profiling_allowed(),
        }
        if not _switch(pynvml.nvmlDeviceGetMigMode, handle):
            return (_device(handle, whole),)
        return tuple(_parts(handle, {**whole, "parent": text(pynvml.nvmlDeviceGetUUID(handle))}))
    except pynvml.NVMLError as error:
        log.warning("a GPU does not answer and is left out", extra={"index": index, "error": str(error)})
        return None


def _parts(handle: Any, whole: dict[str, Any]) -> Iterator[Device]:
    for number in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        with contextlib.suppress(pynvml.NVMLError):  # there are fewer parts than there may be
            part = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
            place = {
                "gpu_instance": pynvml.nvmlDeviceGetGpuInstanceId(part),
                "compute_instance": pynvml.nvmlDeviceGetComputeInstanceId(part),
            }
            yield _device(part, {**whole, **place})


def _device(handle: Any, facts: dict[str, Any]) -> Device:
    return Device(
        kind=NVIDIA,
        name=text(pynvml.nvmlDeviceGetName(handle)),
        id=text(pynvml.nvmlDeviceGetUUID(handle)),
        memory_bytes=pynvml.nvmlDeviceGetMemoryInfo(handle).total,
        **facts,
    )


def _clock(handle: Any, kind: int) -> float | None:
    with contextlib.suppress(pynvml.NVMLError):
        return float(pynvml.nvmlDeviceGetMaxClockInfo(handle, kind) * MEGAHERTZ)
    return None


def _switch(ask: Any, handle: Any) -> bool | None:
    """Whether something is on now, None for a GPU that does not have it."""
    with contextlib.suppress(pynvml.NVMLError):
        return bool(ask(handle)[0])
    return None


def profiling_allowed(parameters: Path = DRIVER_PARAMETERS) -> bool | None:
    """Whether programs without privileges may read performance counters, as the driver was loaded; None: unknown."""
    try:
        match = re.search(r"^RmProfilingAdminOnly: (\d)", parameters.read_text(), re.MULTILINE)
    except OSError:
        return None
    return match[1] == "0" if match else None


def _visible(gpus: Sequence[tuple[Device, ...] | None], words: str) -> Iterator[Device]:
    """What CUDA shows for these words, in their order: as far as each of them names a device, and a new one."""
    taken = set[str]()
    for word in words.split(",") if words.strip() else ():
        devices = [device for device in _named(gpus, word.strip()) if device.id not in taken]
        if not devices:
            log.warning("a word names no further GPU; it and those after it are left out", extra={VISIBLE: words})
            return
        taken.update(device.id for device in devices)
        yield from devices


def _named(gpus: Sequence[tuple[Device, ...] | None], word: str) -> tuple[Device, ...]:
    """By its number, or by an id or as much of one as is unmistakable. A divided GPU stands for its parts."""
    if word.isdecimal():
        return (gpus[int(word)] or ()) if int(word) < len(gpus) else ()
    if not word.startswith(("GPU-", "MIG-")):
        return ()
    answering = [gpu for gpu in gpus if gpu]
    found = [gpu for gpu in answering if gpu[0].parent.startswith(word)]
    found += [(device,) for gpu in answering for device in gpu if device.id.startswith(word)]
    return found[0] if len(found) == 1 else ()


def text(value: str | bytes) -> str:
    """Older bindings give bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value
