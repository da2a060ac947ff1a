"""The limits of a job as people meet them: how they are asked for, in a cell and in a terminal, and how they read."""

from __future__ import annotations

import msgspec

from telerun_protocol.messages import Limits
from telerun_protocol.units import show_duration, show_size

MIB, GIB = 1 << 20, 1 << 30

DEFAULTS = Limits(
    wall_time_s=60,
    cpu_time_s=3600,
    memory_bytes=4 * GIB,
    output_bytes=64 * MIB,
    disk_bytes=GIB,
    processes=128,
    compile_time_s=120,
)
"""What a job gets that asks for nothing, unless an operator says otherwise."""

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


def filled(limits: Limits, defaults: Limits) -> Limits:
    """`limits`, with those of `defaults` where it says nothing."""
    given = {name: value for name in Limits.__struct_fields__ if (value := getattr(limits, name)) is not None}
    return msgspec.structs.replace(defaults, **given)
