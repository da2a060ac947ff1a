"""What a device did while a job had it, gathered from snapshots."""

from __future__ import annotations

from collections.abc import Callable

from telerun_executor.devices.nvml import Snapshot
from telerun_protocol.messages import DeviceUse


class Use:
    """Takes snapshots one by one, whatever their number: only sums and extremes are kept."""

    def __init__(self, device_id: str) -> None:
        self._id = device_id
        self._samples = 0
        self._began_at = self._ended_at = 0.0
        self._sums: dict[str, tuple[float, int]] = {}
        self._extremes: dict[str, float] = {}
        self._throttled: dict[str, None] = {}

    def add(self, snapshot: Snapshot) -> None:
        if snapshot.error:
            return
        self._samples += 1
        self._began_at = self._began_at or snapshot.at
        self._ended_at = snapshot.at
        self._throttled.update(dict.fromkeys(snapshot.throttled))
        for name in ("utilization", "power_w", "sm_clock_hz", "temperature_c", "memory_used_bytes"):
            if (value := getattr(snapshot, name)) is not None:
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = (total + value, count + 1)
                extreme: Callable[..., float] = min if name == "sm_clock_hz" else max
                self._extremes[name] = extreme(value, self._extremes.get(name, value))

    def summary(self) -> DeviceUse:
        memory = self._extremes.get("memory_used_bytes")
        return DeviceUse(
            id=self._id,
            samples=self._samples,
            seconds=self._ended_at - self._began_at,
            utilization=self._mean("utilization"),
            utilization_peak=self._extremes.get("utilization"),
            memory_peak_bytes=int(memory) if memory is not None else None,
            power_w=self._mean("power_w"),
            power_peak_w=self._extremes.get("power_w"),
            temperature_peak_c=self._extremes.get("temperature_c"),
            sm_clock_hz=self._mean("sm_clock_hz"),
            sm_clock_least_hz=self._extremes.get("sm_clock_hz"),
            throttled=tuple(self._throttled),
        )

    def _mean(self, name: str) -> float | None:
        total, count = self._sums.get(name, (0.0, 0))
        return total / count if count else None
