"""What a job uses or has used, in words."""

from __future__ import annotations

from telerun_protocol.messages import Usage
from telerun_protocol.units import show_size


def usage_text(usage: Usage) -> str:
    """`1.2 s of CPU, 34 MiB of memory (56 MiB at most), 3 processes, 2 MiB on disk`; what is nothing is left out."""
    facts = [f"{usage.cpu_time_s:.1f} s of CPU", _memory(usage)]
    if usage.processes:
        facts.append(f"{usage.processes} process" + ("es" if usage.processes > 1 else ""))
    for size, what in (
        (usage.disk_bytes, "on disk"),
        (usage.io_read_bytes, "read"),
        (usage.io_write_bytes, "written"),
    ):
        if size:
            facts.append(f"{show_size(size)} {what}")
    return ", ".join(filter(None, facts))


def _memory(usage: Usage) -> str:
    if not usage.memory_bytes:
        return f"{show_size(usage.peak_memory_bytes)} of memory at most" if usage.peak_memory_bytes else ""
    return f"{show_size(usage.memory_bytes)} of memory ({show_size(usage.peak_memory_bytes)} at most)"
