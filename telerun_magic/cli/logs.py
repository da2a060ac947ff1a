"""`telerun logs` and `watch`: what a job printed, from the first byte, live or long after."""

from __future__ import annotations

import asyncio
import sys

import click

from telerun_magic.cli.app import FAILED, Settings
from telerun_magic.cli.client import FOLLOW_S, client, connect, job_id, look_up
from telerun_magic.cli.completion import complete_jobs
from telerun_magic.cli.follow import follow
from telerun_magic.cli.milestones import Milestones
from telerun_magic.cli.terminal import Sink
from telerun_protocol.messages import Job
from telerun_protocol.states import STREAMS, State


@click.command()
@click.option("-f", "--follow", "following", is_flag=True, help="Go on until the job has ended.")
@click.option("--stream", type=click.Choice(["all", *STREAMS]), default="all", help="Only this part of it.")
@click.option("--raw", is_flag=True, help="Send control sequences to the terminal as they are.")
@click.argument("job", shell_complete=complete_jobs)
@click.pass_obj
def logs(settings: Settings, job: str, following: bool, stream: str, raw: bool) -> None:
    """What a job has printed, from the first byte.

    Into a file or pipe it goes byte for byte. On a terminal, control sequences other than colours are taken out.
    """
    wanted, only = job_id(job), STREAMS.get(stream)

    async def copy() -> None:
        sink, connection = Sink(sys.stdout.buffer, raw=raw), connect(settings)
        found = await look_up(connection, wanted)
        async with client(connection, FOLLOW_S) as speaker:
            async for frame in speaker.log(found.id, follow=following):
                if only in (None, frame.stream):
                    sink.write(frame.payload)
        sink.close()

    asyncio.run(copy())


@click.command()
@click.argument("job", shell_complete=complete_jobs)
@click.pass_context
def watch(ctx: click.Context, job: str) -> None:
    """Follow a job to its end: milestones and output, from the beginning.

    Any number may watch, also after the end. Ctrl-C stops watching; the job goes on.
    """
    wanted = job_id(job)

    async def run() -> Job:
        connection = connect(ctx.obj)
        found = await look_up(connection, wanted)
        async with client(connection, FOLLOW_S) as speaker:
            milestones = Milestones(sys.stdout.buffer)
            milestones.submitted(found)
            ended = await follow(speaker, found, milestones.job, milestones.frame)
            milestones.ended(ended)
            return ended

    ended = asyncio.run(run())
    ctx.exit(0 if ended.state is State.SUCCEEDED else FAILED)
