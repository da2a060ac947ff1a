"""Whether this machine has an NVIDIA GPU: a server of one's own lets CUDA programs be emulated where it has none."""

from __future__ import annotations

import ctypes

LIBRARY = "libnvidia-ml.so.1"
EMULATED = (
    "No GPU here: CUDA programs are emulated on the CPU. That shows whether they are right; no timing means anything."
)


def has_gpu() -> bool:
    """As the driver's management library tells."""
    try:
        nvml = ctypes.CDLL(LIBRARY)
        if nvml.nvmlInit_v2():
            return False
    except (OSError, AttributeError):
        return False
    count = ctypes.c_uint(0)
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    nvml.nvmlShutdown()
    return count.value > 0
