"""Following one job: each newer state and each piece of its log, as they come, until it has ended."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from telerun_magic.cli.app import FAILED
from telerun_magic.cli.client import ASK_S, client
from telerun_magic.connect import Connection
from telerun_magic.submission import Submission
from telerun_protocol.client import Client
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.logframes import Frame
from telerun_protocol.messages import Job, Result
from telerun_protocol.states import Reason, State

T = TypeVar("T")
CANCEL_S = 10.0
SUBMIT_GRACE_S = 3.0
LOOK_S = 2.0  # events tell at once; a look now and then covers the moment before their stream stands


async def follow(speaker: Client, job: Job, on_job: Callable[[Job], None], on_frame: Callable[[Frame], None]) -> Job:
    """The job once it has ended and all of its log was handed out."""
    changed = asyncio.Event()

    async def listen() -> None:
        async for event in speaker.events():
            if event.job.id == job.id:
                changed.set()

    async def read_log() -> None:
        async for frame in speaker.log(job.id, follow=True):
            on_frame(frame)
        changed.set()

    async with asyncio.TaskGroup() as group:
        listener = group.create_task(listen())
        log = group.create_task(read_log())
        on_job(job)
        while not job.state.is_final:
            changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await changed.wait()
            job = await speaker.job(job.id)
            on_job(job)
        await log
        listener.cancel()
    return job


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, T], *, grace_s: float = 0.0) -> T | None:
    """What `work` returns; None where `stop` was set and `work` did not end within the grace: it is cancelled then."""
    async with asyncio.TaskGroup() as group:
        task, stopper = group.create_task(work), group.create_task(stop.wait())
        await asyncio.wait((task, stopper), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await asyncio.wait((task,), timeout=grace_s)
        stopper.cancel()
        task.cancel()
    return None if task.cancelled() else task.result()


async def queue(
    found: Connection, submission: Submission, interrupted: asyncio.Event, id_file: Path | None
) -> Job | None:
    """Submits; None where the person interrupted it. Otherwise the job's id is in `id_file`."""
    if id_file and not id_file.parent.is_dir():
        raise InvalidMessage(f"There is no folder {id_file.parent} for --id-file.")  # said before there is a job
    async with client(found, ASK_S) as speaker:
        sending = speaker.submit_with(submission.spec, submission.contents)
        job = await unless(interrupted, sending, grace_s=SUBMIT_GRACE_S)
    if job is None:
        click.echo("telerun: interrupted while submitting; telerun list shows whether it went out.", err=True)
    elif id_file:
        await asyncio.to_thread(id_file.write_text, f"{job.id}\n")
    return job


async def cancel_and_wait(speaker: Client, job: Job) -> Job:
    """Asks for a job's end and gives it a few seconds; the job as it then is."""
    job = await speaker.cancel(job.id)
    with suppress(TimeoutError):
        async with asyncio.timeout(CANCEL_S):
            while not job.state.is_final:
                await asyncio.sleep(CANCEL_S / 100)
                job = await speaker.job(job.id)
    return job


def exit_code_of(job: Job, *, as_program: bool) -> int:
    """0 for success, else 1; or the program's own, as a shell tells it."""
    if job.result:
        return exit_code_of_result(job.result, as_program=as_program)
    return 0 if job.state is State.SUCCEEDED else FAILED


def exit_code_of_result(result: Result, *, as_program: bool) -> int:
    if as_program and result.reason is Reason.NONZERO_EXIT and result.exit_code:
        return result.exit_code
    if as_program and result.reason is Reason.SIGNAL and result.signal:
        return 128 + result.signal
    return 0 if result.state is State.SUCCEEDED else FAILED


@asynccontextmanager
async def interrupts() -> AsyncIterator[asyncio.Event]:
    """An event for the first Ctrl-C in this block; the second one is a KeyboardInterrupt again."""
    first = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_interrupt() -> None:
        if first.is_set():
            raise KeyboardInterrupt
        first.set()

    loop.add_signal_handler(signal.SIGINT, on_interrupt)
    try:
        yield first
    finally:
        loop.remove_signal_handler(signal.SIGINT)
