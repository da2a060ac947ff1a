"""What the jobs of one executor share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from telerun_executor.devices.base import Devices
from telerun_executor.runners.base import Runner
from telerun_executor.toolchains.base import Toolchain
from telerun_protocol.matching import is_gpu
from telerun_protocol.states import Language

DEFAULT_ARCHS = ("sm_80", "sm_90")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Compile slots are apart from run slots: the next job compiles while a device is busy."""

    runner: Runner
    toolchains: Mapping[Language, Toolchain]
    devices: Devices
    slots: int
    compile_slots: int
    compile_memory_bytes: int
    path: str  # the PATH of jobs
    emulated: Mapping[Language, Toolchain] = field(default_factory=dict)  # for jobs whose GPU is emulated
    keep: bool = False
    executor: str = ""  # the name the server gave
    archs: tuple[str, ...] = ()  # to compile for where no device decides
    compile_turns: asyncio.Semaphore = field(init=False)
    run_turns: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compile_turns", asyncio.Semaphore(self.compile_slots))
        object.__setattr__(self, "run_turns", asyncio.Semaphore(self.slots))

    def archs_for(self, asked: Sequence[str]) -> tuple[str, ...]:
        """The GPU architectures to compile for: as asked, else this machine's, else the server's list."""
        own = sorted({device.arch for device in self.devices.all if device.arch and is_gpu(device)})
        return tuple(asked) or tuple(own) or self.archs or DEFAULT_ARCHS
