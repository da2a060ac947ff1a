"""What there is to tell of an emulated run: notes, and reports picked out of the program's standard error."""

from __future__ import annotations

import re
from collections.abc import Sequence

from telerun_executor.diagnostics import EMULATION, LINE_CHARACTERS
from telerun_executor.runners.base import Output
from telerun_executor.toolchains.emulation import ARCH, PTX
from telerun_protocol.messages import EMULATED, EMULATION_NOTE, Device, JobSpec
from telerun_protocol.states import StreamId

MOST_BYTES = 64 << 10
_PREFIX = EMULATION.encode()


class Reports:
    """An `Output` between a program and another `Output`: everything goes on, whole lines of reports are kept too."""

    def __init__(self, to: Output, keep: bytearray) -> None:
        self._to = to
        self._keep = keep
        self._left = MOST_BYTES
        self._line = b""  # begun, not yet ended

    async def __call__(self, stream: int, data: bytes) -> None:
        if stream == StreamId.STDERR and self._left > 0:
            *lines, rest = (self._line + data).split(b"\n")
            for line in lines:
                if line.startswith(_PREFIX):
                    self._keep += line + b"\n"
                    self._left -= len(line)
            self._line = rest[:LINE_CHARACTERS]
        await self._to(stream, data)


def is_emulated(devices: Sequence[Device]) -> bool:
    return any(device.kind == EMULATED for device in devices)


def hint_on_archs(spec: JobSpec, devices: Sequence[Device]) -> str:
    """Why a program that was meant for newer GPUs may not compile; else nothing."""
    newer = any(int(digits[0]) > ARCH for arch in spec.archs if (digits := re.search(r"\d+", arch)))
    if not (newer and spec.run and is_emulated(devices)):
        return ""
    return f"The emulation compiles for {PTX}: what newer GPUs alone have is not there."


def notes_on_emulation(spec: JobSpec, devices: Sequence[Device]) -> list[str]:
    """What whoever sees the result has to know."""
    if is_emulated(devices):
        shown = ["The SASS shown was compiled, but did not run: the emulation runs PTX."] if spec.asm else []
        return [EMULATION_NOTE, *shown]
    return ["Only the CPU emulation makes checks: nothing was checked."] if spec.checks else []
