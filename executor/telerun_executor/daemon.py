"""Puts the executor together, runs it until it is asked to end, and takes it apart again."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

from telerun_executor.bench import Bench
from telerun_executor.config import Config, Token
from telerun_executor.devices import emulated
from telerun_executor.devices.base import Devices
from telerun_executor.devices.offered import labels_of, offered_devices
from telerun_executor.runners.base import Runner
from telerun_executor.runners.choose import prepare_process, ready_runner
from telerun_executor.toolchains import emulated as emulated_toolchains
from telerun_executor.toolchains import toolchains
from telerun_executor.toolchains.discovery import job_path
from telerun_executor.toolchains.emulation import Emulation
from telerun_executor.toolchains.places import places
from telerun_executor.work_folder import WorkFolder, hold
from telerun_executor.worker import Worker
from telerun_protocol.client import Client
from telerun_protocol.errors import TelerunError, Unauthorized
from telerun_protocol.messages import ExecutorInfo, HeartbeatRequest

log = logging.getLogger(__name__)
RETRY_S = 7 * 86_400.0  # an executor waits for its server; the server says by its leases what is lost meanwhile

RETRY_LOG_EVERY_S = 10.0


async def serve(config: Config) -> None:
    """Runs an executor until SIGTERM or SIGINT; a second one ends it at once."""
    token = Token(config.token_path())
    server = config.server_address()
    _raise_file_limit()
    os.umask(0o022)  # jobs read what we write for them
    prepare_process(config)
    end = _EndOnSignal()
    open_client = partial(
        Client,
        server,
        token,
        ca_file=config.ca_path(),
        retry_s=RETRY_S,
        on_retry=_RetryLog(),
        user_agent=f"telerun-executor/{version('telerun-magic')}",
    )
    with hold(config.work_path(), keep=config.keep) as folder:
        async with open_client() as at_first:
            await at_first.me()  # a token that was never right is no passing trouble
        emulation = await asyncio.to_thread(emulated.set_up, config)
        shown = [*places(config.python), *([emulation.runtime] if emulation else [])]
        async with (
            ready_runner(config, folder, shown) as runner,
            offered_devices(config, emulation) as pool,
            open_client(also_retry=(Unauthorized,)) as client,
        ):
            await _serve(config, folder, client, runner, emulation, pool, end)


async def _serve(
    config: Config,
    folder: WorkFolder,
    client: Client,
    runner: Runner,
    emulation: Emulation | None,
    pool: Devices,
    end: _EndOnSignal,
) -> None:
    chains = toolchains(config.python)
    info = ExecutorInfo(
        instance=folder.instance,
        replaces=folder.replaces,
        host=socket.gethostname(),
        version=version("telerun-magic"),
        slots=config.slots,
        compile_slots=config.compilers_at_once,
        devices=pool.all,
        toolchains=tuple(found for chain in chains.values() if (found := chain.info())),
        labels=labels_of(config),
        isolation=runner.isolation,
    )
    terms = await client.register(info)
    pool.labels |= {terms.name.casefold()}
    if pool.quarantined:  # to be known before the first claim
        await client.heartbeat(HeartbeatRequest(instance=info.instance, readings=pool.readings()))
    bench = Bench(
        runner=runner,
        toolchains=chains,
        emulated=emulated_toolchains(chains, emulation) if emulation else {},
        devices=pool,
        slots=config.slots,
        compile_slots=config.compilers_at_once,
        compile_memory_bytes=config.compile_memory_bytes,
        path=job_path(),
        keep=config.keep,
        executor=terms.name,
        archs=terms.archs,
    )
    worker = Worker(bench, client, info, terms, drain_s=config.drain_s)
    languages = " ".join(found.language for found in info.toolchains)
    facts = {"server": client.url, "executor": terms.name, "languages": languages, "devices": len(pool.all)}
    end.by(worker.stop)
    log.info("ready", extra={**facts, "isolation": str(runner.isolation)})
    await worker.run()
    log.info("stopped")


class _EndOnSignal:
    """The first signal asks for an orderly end, the second does not ask: the launchers end what still runs."""

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task
        self._ask: Callable[[], object] = task.cancel
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._signal, number)

    def by(self, ask: Callable[[], object]) -> None:
        """From now on this is how to ask."""
        self._ask = ask

    def _signal(self, number: int) -> None:
        if self._asked:
            os._exit(128 + number)
        self._asked = True
        self._ask()


class _RetryLog:
    """Says that requests are repeated, not how often: many wait at a time."""

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def __call__(self, error: TelerunError) -> None:
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + RETRY_LOG_EVERY_S
            log.warning("trying again", extra={"error": error.message})


def _raise_file_limit() -> None:
    """Each command takes some descriptors, each connection one."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
