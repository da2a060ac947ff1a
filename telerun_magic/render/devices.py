"""What devices are and did, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from telerun_protocol.messages import Device, DeviceReading, DeviceUse
from telerun_protocol.units import show_size


def names(devices: Iterable[Device]) -> str:
    """`2 × NVIDIA H100 (sm_90), CPU emulation (compute_80)`."""
    counts = Counter(device.name + (f" ({device.arch})" if device.arch else "") for device in devices)
    return ", ".join(f"{count} × {name}" if count > 1 else name for name, count in counts.items())


def used(use: DeviceUse) -> str:
    """What a device did for a job, as far as it told; empty where the job was too short for a sample."""
    facts = [
        _measure("busy", use.utilization, use.utilization_peak, 100, "%"),
        f"memory {show_size(use.memory_peak_bytes)}" if use.memory_peak_bytes is not None else "",
        _measure("power", use.power_w, use.power_peak_w, 1, "W"),
        f"{use.temperature_peak_c:.0f} °C" if use.temperature_peak_c is not None else "",
        f"{use.sm_clock_hz / 1e6:.0f} MHz" if use.sm_clock_hz is not None else "",
        f"clock held down by {', '.join(use.throttled)}" if use.throttled else "",
    ]
    return ", ".join(filter(None, facts))


def _measure(name: str, mean: float | None, peak: float | None, factor: float, unit: str) -> str:
    if mean is None:
        return ""
    text = f"{name} {mean * factor:.0f} {unit}"
    return (
        f"{text} (peak {peak * factor:.0f})"
        if peak is not None and round(peak * factor) != round(mean * factor)
        else text
    )


def state(reading: DeviceReading) -> str:
    """Whether a job could have it now."""
    if reading.quarantined:
        return f"quarantined: {reading.quarantined}"
    foreign = f", used by {reading.foreign} others" if reading.foreign else ""
    return ("a job has it" if reading.leased else "free") + foreign


def doing(reading: DeviceReading) -> tuple[str, str, str, str]:
    """Utilization, memory, power and temperature; empty where it does not tell."""
    return (
        f"{reading.utilization * 100:.0f} %" if reading.utilization is not None else "",
        show_size(reading.memory_used_bytes) if reading.memory_used_bytes is not None else "",
        f"{reading.power_w:.0f} W" if reading.power_w is not None else "",
        f"{reading.temperature_c:.0f} °C" if reading.temperature_c is not None else "",
    )
