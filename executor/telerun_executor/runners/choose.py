"""Which runner this machine gets: the strongest isolation that it has, and none weaker than its operator demands."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from telerun_executor.config import Config
from telerun_executor.runners.base import Runner
from telerun_executor.runners.process import ProcessRunner
from telerun_executor.runners.sandbox import storage
from telerun_executor.runners.sandbox.bubblewrap import Mode
from telerun_executor.runners.sandbox.cgroups.base import Hierarchy
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
    bwrap = None if config.no_sandbox else shutil.which("bwrap")
    if bwrap is None:
        if config.require_isolation is not Isolation.NONE:
            raise TooWeak("weak")
        log.warning("jobs run without isolation: they can do whatever this user can")
        return ProcessRunner(folder.jobs, folder.processes), None
    hierarchy, _ = find(hashlib.sha256(os.fsencode(folder.path)).hexdigest()[:12])
    host = Host(isolation=Isolation.FULL, mode=Mode.SLOT_USER, bwrap=Path(bwrap), hierarchy=hierarchy)
    visible = [*shown, *(Path(name) for name in config.sandbox.visible)]
    runner = SandboxRunner(host, folder.jobs, folder.processes, settings=config.sandbox, visible=visible)
    return runner, bounded(hierarchy, host.mode)


def bounded(hierarchy: Hierarchy | None, mode: Mode) -> Bounded:
    """What the kernel bounds there."""
    controllers = hierarchy.controllers if hierarchy else frozenset()
    return Bounded(memory="memory" in controllers, processes="pids" in controllers, disk=mode is not Mode.OWN_USER)
