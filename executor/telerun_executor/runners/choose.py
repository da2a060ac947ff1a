"""Which runner this machine gets: the strongest isolation that it has, and none weaker than its operator demands."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from telerun_executor.config import Config
from telerun_executor.runners.base import Runner
from telerun_executor.runners.process import ProcessRunner
from telerun_executor.runners.sandbox import storage
from telerun_executor.runners.sandbox.bubblewrap import Mode
from telerun_executor.runners.sandbox.capabilities import DISABLE_USERNS, Capabilities, Capability, detect, level
from telerun_executor.runners.sandbox.cgroups.base import Hierarchy
from telerun_executor.runners.sandbox.cgroups.directory import OF_EXECUTORS
from telerun_executor.runners.sandbox.cgroups.find import find
from telerun_executor.runners.sandbox.runner import Host, SandboxRunner
from telerun_executor.runners.sandbox.self_test import Bounded, self_test
from telerun_executor.work_folder import WorkFolder
from telerun_protocol.errors import TelerunError
from telerun_protocol.states import Isolation

log = logging.getLogger(__name__)


class TooWeak(TelerunError):
    """This machine cannot isolate jobs as its operator demands."""


def prepare_process(config: Config) -> None:
    """Takes a mount namespace, where that is permitted; to be called while this process has one thread."""
    if not config.no_sandbox and os.geteuid() == 0:
        with contextlib.suppress(OSError):  # what it was needed for will say so
            storage.enter_private_namespace()


@contextlib.asynccontextmanager
async def ready_runner(config: Config, folder: WorkFolder, shown: Sequence[Path]) -> AsyncIterator[Runner]:
    """A runner that is ready for jobs and has shown that it holds. Boxes show the folders `shown` beside the system's.

    Raises TooWeak with what to install, and SandboxError where what should hold does not.
    """
    runner, bounds = _choose(config, folder, shown)
    try:
        await runner.start(config.slots + config.compilers_at_once)
        if bounds:
            await self_test(runner, bounds)
        yield runner
    finally:
        await runner.close()


def _choose(config: Config, folder: WorkFolder, shown: Sequence[Path]) -> tuple[Runner, Bounded | None]:
    plain = ProcessRunner(folder.jobs, folder.processes)
    if config.no_sandbox:
        if config.require_isolation is not Isolation.NONE:
            raise TooWeak(
                "Without a sandbox jobs are not isolated, and this executor is to start only where they are.",
                hint="Leave --no-sandbox out, or add --require-isolation none.",
            )
        _warn(Isolation.NONE, "it was asked for")
        return plain, None
    hierarchy, reasons = find(OF_EXECUTORS + hashlib.sha256(os.fsencode(folder.path)).hexdigest()[:12])
    capabilities = detect((hierarchy, reasons))
    isolation, mode = level(capabilities)
    is_too_weak = isolation.strength < config.require_isolation.strength
    if hierarchy and (is_too_weak or mode is None):
        hierarchy.close()
    if is_too_weak:
        raise _too_weak(isolation, config.require_isolation, capabilities)
    if isolation is not Isolation.FULL:
        _warn(isolation, "; ".join(row.name for row in _lacking(capabilities)))
    if mode is None or capabilities.bwrap is None:
        return plain, None
    if hierarchy and hierarchy.version == "v1" and config.sandbox.slows_down:
        log.warning("memory_high_bytes slows nobody down with cgroups v1: it says what to take back first")
    host = Host(
        isolation=isolation,
        mode=mode,
        bwrap=capabilities.bwrap,
        hierarchy=hierarchy,
        disable_userns=capabilities.has(DISABLE_USERNS),
    )
    visible = [*shown, *(Path(name) for name in config.sandbox.visible)]
    runner = SandboxRunner(host, folder.jobs, folder.processes, settings=config.sandbox, visible=visible)
    return runner, bounded(hierarchy, mode)


def _lacking(capabilities: Capabilities) -> list[Capability]:
    return [row for row in capabilities.rows if row.needed and not row.ok]


def _too_weak(isolation: Isolation, demanded: Isolation, capabilities: Capabilities) -> TooWeak:
    fixes = "; ".join(f"{row.name} ({row.found}): {row.fix}" for row in _lacking(capabilities))
    return TooWeak(
        f"This machine isolates jobs to the level {isolation!s}, and this executor is to start only where it is "
        f"{demanded!s}. Missing: {fixes}.",
        hint=f"`telerun-executor doctor` tells more. To run with less: --require-isolation {isolation!s}.",
    )


def _warn(isolation: Isolation, why: str) -> None:
    meaning = {
        Isolation.NONE: "jobs run without isolation: they can do whatever this user can",
        Isolation.DEGRADED: "jobs are isolated, but not all of their limits are kept by the kernel",
    }
    log.warning(meaning[isolation], extra={"isolation": str(isolation), "missing": why})


def bounded(hierarchy: Hierarchy | None, mode: Mode) -> Bounded:
    """What the kernel bounds there."""
    controllers = hierarchy.controllers if hierarchy else frozenset()
    return Bounded(memory="memory" in controllers, processes="pids" in controllers, disk=mode is not Mode.OWN_USER)
