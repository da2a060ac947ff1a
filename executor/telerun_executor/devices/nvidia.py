"""The NVIDIA GPUs of this machine, as their driver's management library (NVML) tells."""

from __future__ import annotations

import logging
from typing import Any

import pynvml

from telerun_protocol.messages import Device

log = logging.getLogger(__name__)
KIND = "nvidia"


def inventory(nvml: Any = pynvml) -> tuple[Device, ...]:
    """The GPUs, none without a driver. A GPU that does not answer is left out and named in the log."""
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return ()
    try:
        driver = _text(nvml.nvmlSystemGetDriverVersion())
        return tuple(
            device for index in range(nvml.nvmlDeviceGetCount()) if (device := _device(nvml, index, driver)) is not None
        )
    except nvml.NVMLError as error:
        log.warning("the NVIDIA driver does not tell its GPUs", extra={"error": str(error)})
        return ()
    finally:
        nvml.nvmlShutdown()


def _device(nvml: Any, index: int, driver: str) -> Device | None:
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
        return Device(
            kind=KIND,
            name=_text(nvml.nvmlDeviceGetName(handle)),
            id=_text(nvml.nvmlDeviceGetUUID(handle)),
            arch=f"sm_{major}{minor}",
            memory_bytes=nvml.nvmlDeviceGetMemoryInfo(handle).total,
            driver=driver,
        )
    except nvml.NVMLError as error:
        log.warning("a GPU does not answer and is left out", extra={"index": index, "error": str(error)})
        return None


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
