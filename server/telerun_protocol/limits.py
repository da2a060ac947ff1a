"""The limits of a job as people meet them: how they are asked for, in a cell and in a terminal, and how they read."""

from __future__ import annotations

from telerun_protocol.units import show_duration, show_size

OPTIONS = {
    "wall_time_s": "--time",
    "cpu_time_s": "--limit cpu_time=…",
    "memory_bytes": "--memory",
    "output_bytes": "--limit output=…",
    "disk_bytes": "--limit disk=…",
    "processes": "--limit processes=…",
    "compile_time_s": "--limit compile_time=…",
}
"""How to ask for each of `Limits`."""


def show_limit(name: str, value: float) -> str:
    if name.endswith("_bytes"):
        return show_size(int(value))
    if name.endswith("_s") and value >= 120:
        return show_duration(value)
    return f"{value:g} s" if name.endswith("_s") else f"{value:g}"
