"""CUDA on the CPU as a device: there is one for each program that runs at once."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from platformdirs import user_cache_path

from telerun_executor.config import Config
from telerun_executor.emulator.build import EmulatorBuildError, build_runtime
from telerun_executor.toolchains.discovery import CudaTools, find_cuda_tools, find_tool
from telerun_executor.toolchains.emulation import NAME, Emulation
from telerun_protocol.errors import NotConfigured
from telerun_protocol.messages import EMULATED, Device

log = logging.getLogger(__name__)
SOURCE = Path(__file__).parents[2]  # holds the package telerun_executor


def set_up(config: Config) -> Emulation | None:
    """The emulation, or None where it is not wanted or this machine lacks something for it.

    Where it is asked for and cannot be had, NotConfigured says what is missing. It is built once a machine and user,
    which takes some seconds.
    """
    if config.emulation is False:
        return None
    try:
        return _built(find_cuda_tools(), _cache(config))
    except NotConfigured as error:
        if config.emulation is True:
            raise
        log.info("CUDA is not emulated here", extra={"why": error.message})
        return None


def devices(emulation: Emulation | None, count: int) -> tuple[Device, ...]:
    return tuple(
        Device(kind=EMULATED, name=NAME, id=f"emulated-{number}") for number in range(count if emulation else 0)
    )


def _cache(config: Config) -> Path:
    folder = user_cache_path("telerun") / "emulator"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a service without a home
        return config.work_path() / "emulator"
    return folder if os.access(folder, os.W_OK) else config.work_path() / "emulator"


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
