"""CUDA on the CPU as a device: there is one for each program that runs at once."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from telerun_executor.config import Config
from telerun_executor.emulator.build import EmulatorBuildError, build_runtime
from telerun_executor.toolchains.discovery import CudaTools, find_cuda_tools, find_tool
from telerun_executor.toolchains.emulation import NAME, Emulation
from telerun_protocol.errors import NotConfigured
from telerun_protocol.messages import EMULATED, Device

log = logging.getLogger(__name__)
SOURCE = Path(__file__).parents[2]  # holds the package telerun_executor


def set_up(config: Config, cache: Path) -> Emulation | None:
    """The emulation, built once below `cache`, or None where it is not wanted or this machine lacks something for it.

    Where it is asked for and cannot be had, NotConfigured says what is missing. Blocks for some seconds to build it.
    """
    if config.emulation is False:
        return None
    try:
        return _built(find_cuda_tools(), cache)
    except NotConfigured as error:
        if config.emulation is True:
            raise
        log.info("CUDA is not emulated here", extra={"why": error.message})
        return None


def devices(emulation: Emulation | None, count: int) -> tuple[Device, ...]:
    return tuple(
        Device(kind=EMULATED, name=NAME, id=f"emulated-{number}") for number in range(count if emulation else 0)
    )


def _built(tools: CudaTools, cache: Path) -> Emulation:
    host = find_tool("gcc")
    if tools.nvcc is None or tools.problem:
        raise NotConfigured(f"Emulating CUDA needs nvcc. {tools.problem}")
    if host is None:
        raise NotConfigured("Emulating CUDA needs gcc: install it, for example with `apt-get install gcc`.")
    try:
        runtime = build_runtime(cache, tools.nvcc.top / "include")
    except EmulatorBuildError as error:
        raise NotConfigured(f"The CUDA emulation cannot be built: {error}") from None
    return Emulation(runtime=runtime, python=sys.executable, source=SOURCE, host=host)
