"""Processes die at random moments; no job is lost and none ends twice."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from contextlib import aclosing, suppress
from functools import partial
from pathlib import Path

import pytest
from tests_processes import ExecutorProcess, ServerProcess

from telerun_protocol.client import Client
from telerun_protocol.messages import Event, JobSpec
from telerun_protocol.states import FINAL_STATES, Language, State

JOBS = 1000
EXECUTOR_KILLS = 5
SERVER_KILLS = 2


@pytest.mark.timeout(600)
async def test_a_thousand_jobs_end_exactly_once_whatever_dies(tmp_path: Path) -> None:
    seed = int(os.environ.get("TELERUN_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"seed: {seed} (TELERUN_TEST_SEED={seed} repeats it)")
    chance = random.Random(seed)

    config = tmp_path / "server.toml"
    config.write_text("lease_s = 5\nheartbeat_s = 1\nmax_attempts = 20\n")
    server = ServerProcess(tmp_path / "server", "--config", str(config)).start()
    executor = ExecutorProcess(server, tmp_path / "executor", "--slots", "2", "--compile-slots", "2").start()
    try:
        finished: list[Event] = []
        async with server.client(retry_s=60) as client, asyncio.TaskGroup() as group:
            watcher = group.create_task(watch(client, finished))
            submitted = group.create_task(submit_all(client, chance))
            kills = [executor] * EXECUTOR_KILLS + [server] * SERVER_KILLS
            chance.shuffle(kills)
            for count, victim in enumerate(kills, start=1):
                while len(finished) < JOBS * count // (len(kills) + 2):
                    await asyncio.sleep(0.05)
                await asyncio.sleep(chance.uniform(0, 0.3))
                victim.kill()
                await asyncio.sleep(chance.uniform(0, 0.5))
                restart = partial(server.start, keep_tokens=True) if victim is server else executor.start
                await asyncio.to_thread(restart)
            ids = await submitted
            await asyncio.wait_for(watcher, 300)

            assert len(set(ids)) == JOBS
            assert {event.job.id for event in finished} == set(ids)
            twice = [job for job, count in Counter(event.job.id for event in finished).items() if count > 1]
            assert not twice, f"ended more than once: {twice}"
            for event in finished:
                job = await client.job(event.job.id)
                assert job.state is State.SUCCEEDED, (job.id, job.reason, job.result)
                assert b"".join([frame.payload async for frame in client.log(job.id) if frame.stream == 1]).endswith(
                    f"{job.spec.args[-1]}\n".encode()
                )
    finally:
        executor.stop()
        server.stop()


async def submit_all(client: Client, chance: random.Random) -> list[str]:
    """While things die: submits are retried and yet make one job each."""
    ids = []
    for number in range(JOBS):
        ids.append((await client.submit(JobSpec(language=Language.COMMAND, args=("echo", str(number))))).id)
        if chance.random() < 0.05:
            await asyncio.sleep(chance.uniform(0, 0.1))
    return ids


async def watch(client: Client, finished: list[Event]) -> None:
    """Every final event of the stream, which survives the server's deaths by its resumable id."""
    async with aclosing(client.events(after=0)) as events:
        async for event in events:
            if event.kind in FINAL_STATES:
                finished.append(event)
                if len(finished) >= JOBS:
                    break
    # Nothing may follow: a second end of a job would come now.
    await asyncio.sleep(1)
    async with aclosing(client.events(after=finished[-1].id)) as events:
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                finished.append(await anext(events))
