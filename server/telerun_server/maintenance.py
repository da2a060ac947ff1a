"""What happens by the clock: leases run out, old things go."""

from __future__ import annotations

import asyncio
import logging
import time

from telerun_protocol.errors import ServerFailed
from telerun_server.config import Config
from telerun_server.files import PURGED_AT_ONCE, Files
from telerun_server.logs import Logs
from telerun_server.queue import Queue
from telerun_server.store.base import Store

EXECUTOR_FORGOTTEN_S = 86_400.0

log = logging.getLogger(__name__)


async def watch_leases(queue: Queue, config: Config) -> None:
    """Requeues the jobs of executors that went silent, at most a quarter of a lease late. Runs until cancelled."""
    while True:
        await asyncio.sleep(min(config.lease_s / 4, 5.0))
        try:
            await queue.lose_expired()
        except ServerFailed as error:  # a full disk may have room again later
            log.error("leases could not be looked at: %s", error)


async def purge_for_ever(store: Store, queue: Queue, files: Files, logs: Logs, config: Config) -> None:
    """Removes what its retention allows. Runs until cancelled."""
    while True:
        await asyncio.sleep(config.purge_every_s)
        try:
            await purge(store, queue, files, logs, config, time.time())
        except (ServerFailed, OSError) as error:
            log.error("old jobs could not be removed: %s", error)


async def purge(store: Store, queue: Queue, files: Files, logs: Logs, config: Config, now: float) -> None:
    """Rows first, bytes after: a crash in between leaves bytes that nobody names, never a name without its bytes."""
    while jobs := await store.purge_jobs(now - config.retention_s, PURGED_AT_ONCE):
        for job_id in jobs:
            logs.remove(job_id)
    while await files.purge(now - config.blob_retention_s) == PURGED_AT_ONCE:
        pass
    await store.purge_rest(
        events_before=now - config.event_retention_s, seen_before=now - max(EXECUTOR_FORGOTTEN_S, config.lease_s)
    )
    queue.forget_executors({row.info.instance for row in await store.executors()})
