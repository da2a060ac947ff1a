"""Everything that this executor lends, found and looked after."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
from collections.abc import AsyncIterator

from telerun_executor.config import Config
from telerun_executor.devices import emulated, nvidia
from telerun_executor.devices.base import Devices
from telerun_executor.devices.watch import GpuWatch
from telerun_executor.toolchains.emulation import Emulation


@contextlib.asynccontextmanager
async def offered_devices(config: Config, emulation: Emulation | None) -> AsyncIterator[Devices]:
    """The devices of this machine. GPUs have been probed when it is entered; those that failed are out of service."""
    visible = os.environ.get(nvidia.VISIBLE)
    gpus = await asyncio.to_thread(nvidia.inventory, visible=visible) if config.gpu else ()
    pool = Devices((*gpus, *emulated.devices(emulation, config.slots)), labels_of(config))
    async with GpuWatch(pool, retry_s=config.quarantine_retry_s).running():
        yield pool


def labels_of(config: Config) -> tuple[str, ...]:
    """What jobs can ask of this executor beside devices, its name apart, which the server gives."""
    return tuple(dict.fromkeys((*config.labels, platform.machine())))
