"""What ptxas -v (--resource-usage) prints for each kernel."""

from __future__ import annotations

import re

from telerun_executor.asm.demangle import demangle
from telerun_protocol.messages import KernelResources

_ENTRY = re.compile(r"ptxas info\s*: Compiling entry function '([^']+)' for '([^']+)'")
_PROPERTIES = re.compile(r"ptxas info\s*: Function properties for (\S+)")
_STACK = re.compile(r"\s*(\d{1,15}) bytes stack frame, (\d{1,15}) bytes spill stores, (\d{1,15}) bytes spill loads")
_USED = re.compile(r"ptxas info\s*: Used (\d{1,15}) registers(.*)")
_DETAIL = re.compile(r"(?:used )?(\d{1,15}) (barriers|bytes smem|bytes cmem\[0\])")
_FIELDS = {"barriers": "barriers", "bytes smem": "shared_bytes", "bytes cmem[0]": "constant_bytes"}

MAX_KERNELS = 1000
TABLE_LINE = re.compile(
    rb"(ptxas|nvlink) info\s*: (\d+ bytes gmem|Compiling entry function|Function properties for|[Uu]sed \d+ registers"
    rb"|Compile time = )|\s+\d+ bytes stack frame, "
)
"""How each line of it begins. Other lines of ptxas are news for whoever wrote the kernel."""


def kernel_resources(compile_log: bytes) -> tuple[KernelResources, ...]:
    """The kernels in the order of the log, each once an architecture, the oldest first: nvcc's threads mix those."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    entry: dict[str, int] | None = None  # what the lines are about: None for functions that kernels call
    symbol = ""
    for line in compile_log.decode(errors="replace").splitlines():
        if match := _ENTRY.search(line):
            symbol = match[1]
            entry = found.setdefault((symbol, match[2]), {})
            if len(found) >= MAX_KERNELS:
                break
        elif match := _PROPERTIES.search(line):
            if match[1] != symbol:
                entry = None
        elif entry is None:
            continue
        elif match := _STACK.match(line):
            names = ("stack_bytes", "spill_store_bytes", "spill_load_bytes")
            entry.update(zip(names, map(int, match.groups()), strict=True))
        elif match := _USED.search(line):
            entry["registers"] = int(match[1])
            entry.update({_FIELDS[name]: int(count) for count, name in _DETAIL.findall(match[2])})
    symbols = list(dict.fromkeys(symbol for symbol, _ in found))
    return tuple(
        KernelResources(kernel=demangle(symbol), symbol=symbol, arch=arch, **found[symbol, arch])
        for symbol in symbols
        for arch in sorted((arch for known, arch in found if known == symbol), key=arch_order)
    )


def arch_order(arch: str) -> tuple[int, str]:
    """Sorts sm_90 before sm_100."""
    number = re.search(r"\d{1,6}", arch)
    return (int(number[0]) if number else 0, arch)
