"""What does not die, and what dies too soon: frozen jobs, killed executors, and jobs at each other's side."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests_hostile import (
    CGROUPS,
    ConfinedExecutor,
    Confinement,
    files_of,
    processes_of_jobs,
)
from tests_processes import ServerProcess

from telerun_protocol.states import Language, Phase, Reason, State

pytestmark = pytest.mark.usefixtures("recovers")
LIMITS = {"wall_time_s": 30.0, "processes": 64, "memory_bytes": 256 << 20, "disk_bytes": 64 << 20}


# ---------------------------------------------------------------------------------------------------------- hunts


async def test_36_no_secret_can_be_found(hostile_user: Any, hostile_executor: ConfinedExecutor) -> None:
    server = hostile_executor.server
    done = await hostile_user.run(
        Language.PYTHON, files_of("hunt.py"), main="hunt.py", limits={**LIMITS, "output_bytes": 64 << 20}
    )
    assert done.job.state is State.SUCCEEDED, (done.result, done.stderr)
    found = done.stdout
    assert found.rstrip().endswith(b"the hunt is over")
    for file in (server.executor_token_file, server.user_token_file):
        assert file.read_bytes().strip() not in found
        assert str(file).encode() not in found
    ours = (str(server.folder), server.url, "token-file", "--work-dir", "telerun_executor run")
    places = {words: [line[:300] for line in found.splitlines() if words.encode() in line] for words in ours}
    assert {words: lines for words, lines in places.items() if lines} == {}
    assert b"/proc/1/environ - " in found, "the first process's environment is closed to it"


async def test_two_jobs_at_once_see_nothing_of_each_other(
    hostile_server: ServerProcess, confinement: Confinement, tmp_path: Path, hostile_user: Any
) -> None:
    marks = [uuid.uuid4().hex[:8] for _ in range(2)]
    executor = ConfinedExecutor(
        hostile_server, tmp_path, confinement, "--no-gpu", "--slots", "2", "--name-label", "pair"
    ).start()
    try:
        both = [
            await hostile_user.submit(
                Language.PYTHON, files_of("neighbour.py"), main="neighbour.py", args=(*pair, "3"), limits=LIMITS,
                labels=("pair",), wait_for_executor=True,
            )
            for pair in (marks, marks[::-1])
        ]  # fmt: skip
        running = [hostile_user.until(job.id, lambda job: job.phase is Phase.RUN) for job in both]
        async with asyncio.timeout(60):
            await asyncio.gather(*running)
            ends = [await hostile_user.finished(job.id) for job in both]
    finally:
        executor.stop()
    starts = [job.job.started_at for job in ends]
    finishes = [job.job.finished_at for job in ends]
    assert max(starts) < min(finishes) - 1, "they did not run at the same time"
    for done in ends:
        assert done.job.state is State.SUCCEEDED, (done.result, done.stderr)
        assert done.stdout.decode().splitlines() == ["there", "saw []"]


# --------------------------------------------------------------------------------------------------------- deaths


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """Processes that nothing ends until they are thawed: what a process that a driver holds looks like."""
    group = CGROUPS / "freezer" / f"telerun-frozen-{uuid.uuid4().hex[:8]}"
    group.mkdir()
    try:
        for pid in pids:
            (group / "cgroup.procs").write_text(str(pid))
        (group / "freezer.state").write_text("FROZEN")
        yield
    finally:
        (group / "freezer.state").write_text("THAWED")
        for _ in range(100):
            with suppress(OSError):  # until they are gone
                group.rmdir()
                break
            time.sleep(0.05)


async def test_47_what_does_not_die_is_our_failure_and_keeps_its_slot_from_others(
    hostile_server: ServerProcess, confinement: Confinement, tmp_path: Path, hostile_user: Any
) -> None:
    if not (CGROUPS / "freezer").is_dir():
        pytest.skip("needs the freezer of cgroup version 1, out of whose reach nothing gets")
    executor = ConfinedExecutor(
        hostile_server, tmp_path, confinement, "--no-gpu", "--slots", "2", "--name-label", "frost"
    ).start()

    async def run(mode: str, wall_time_s: float = 30) -> Any:
        return await hostile_user.submit(
            Language.C, files_of("processes.c"), main="processes.c", args=(mode,), labels=("frost",),
            limits={**LIMITS, "wall_time_s": wall_time_s}, wait_for_executor=True,
        )  # fmt: skip

    try:
        job = await run("sleep", 2)
        async for frame in hostile_user.client.log(job.id, follow=True):
            if frame.payload == b"sleep\n":
                break
        pids = [int(line.split()[0]) for line in processes_of_jobs(confinement)]
        with frozen(pids):
            attempted = await hostile_user.until(job.id, lambda job: job.attempt > 1 or job.state.is_final)
            assert attempted.attempt > 1 or attempted.result.reason is Reason.SANDBOX_ERROR, attempted
            other = await run("orphan")
            done = await hostile_user.finished(other.id)
            assert done.job.state is State.SUCCEEDED, done.result
            assert "does not die" in executor.log.read_text()
        await hostile_user.client.cancel(job.id)
        await hostile_user.finished(job.id)
        executor.stop()
        executor.start()  # clears up what could not be removed then
        done = await hostile_user.finished((await run("orphan")).id)
        assert done.job.state is State.SUCCEEDED, done.result
    finally:
        executor.stop()


async def test_48_a_job_dies_with_its_executor_and_the_next_one_clears_up(
    hostile_server: ServerProcess, confinement: Confinement, tmp_path: Path, hostile_user: Any
) -> None:
    options = ("--no-gpu", "--slots", "1", "--name-label", "doomed")
    executor = ConfinedExecutor(hostile_server, tmp_path, confinement, *options).start()
    try:
        job = await hostile_user.submit(
            Language.C, files_of("processes.c"), main="processes.c", args=("deaf",), labels=("doomed",), limits=LIMITS,
            wait_for_executor=True,
        )  # fmt: skip
        async for frame in hostile_user.client.log(job.id, follow=True):
            if frame.payload == b"deaf\n":
                break
        assert list(processes_of_jobs(confinement))
        executor.kill()
        async with asyncio.timeout(10):
            while list(processes_of_jobs(confinement)):
                await asyncio.sleep(0.02)
        executor.start()
        again = await hostile_user.until(job.id, lambda job: job.attempt == 2 and job.state is State.RUNNING)
        assert again.attempt == 2
        await hostile_user.client.cancel(job.id)
        done = await hostile_user.finished(job.id)
        assert done.job.state is State.CANCELLED
    finally:
        executor.stop()
