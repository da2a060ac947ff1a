"""`telerun submit`: a program's whole way, told as users of the older clients know it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from telerun_magic.cli.app import FAILED, INTERRUPTED
from telerun_magic.cli.client import ASK_S, FOLLOW_S, client, connect
from telerun_magic.cli.follow import cancel_and_wait, exit_code_of, follow, interrupts, queue, unless
from telerun_magic.cli.milestones import Milestones
from telerun_magic.cli.out_folder import OutFolder
from telerun_magic.cli.output import default_folder, save_all, tell_missed
from telerun_magic.cli.spec_options import PLATFORMS, build, spec_options
from telerun_protocol.client import Client
from telerun_protocol.messages import Job
from telerun_protocol.states import State

TAG = "submit"
"""Marks jobs of this command: --force replaces only those, never a notebook's."""


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("-p", "--platform", metavar="|".join(PLATFORMS), help="Where it runs; the file's name says otherwise.")
@click.option("-f", "--force", is_flag=True, help="Replace your queued jobs that submit has put there.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where its files go; telerun-out/NUMBER otherwise.",
)
@click.option("--store-output/--no-store-output", default=True, help="Whether to write files at all.")
@click.option("--bg", is_flag=True, help="Print the job's number, nothing else, and return at once.")
@click.option("--id-file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the id there.")
@click.option("--exit-code", is_flag=True, help="Exit as the program did.")
@spec_options
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def submit(
    ctx: click.Context,
    /,
    file: Path,
    platform: str | None,
    force: bool,
    out: Path | None,
    store_output: bool,
    bg: bool,
    id_file: Path | None,
    exit_code: bool,
    **options: Any,
) -> None:
    """Compile and run FILE (or a folder, or a tar with run.sh); every word after it goes to the program.

    Its logs and files are put into ./telerun-out/NUMBER/ (the job's): compile-log.txt, execute-log.txt, with --asm
    asm-ptx.txt and asm-sass.txt, and whatever the program wrote below out/. Exit codes: 0 it succeeded, 1 it failed,
    130 interrupted.

    Ctrl-C cancels the job while it waits or compiles. Once it runs, Ctrl-C leaves it running and says how to watch it.
    """
    options["tags"] = (*options["tags"], TAG)
    built = build(file, None, platform=platform, **options)
    found = connect(ctx.obj)

    async def run() -> int:
        async with interrupts() as interrupted:
            if force:
                async with client(found, ASK_S) as speaker:
                    await _cancel_queued(speaker)
            job = await queue(found, built, interrupted, id_file)
            if job is None:
                return INTERRUPTED
            milestones = Milestones(sys.stderr.buffer if bg else sys.stdout.buffer)
            milestones.submitted(job)
            if bg:
                click.echo(job.number)
                return 0
            folder = (OutFolder(out) if out else default_folder(job)) if store_output else None
            async with client(found, FOLLOW_S) as speaker:
                ended = await unless(interrupted, follow(speaker, job, milestones.job, milestones.frame))
                if ended is None:
                    await _leave(speaker, job, milestones)
                    return INTERRUPTED
                saved, missed = await save_all(speaker, ended, folder) if folder else ([], [])
            milestones.ended(ended, saved_in=folder.root if folder and saved else None)
            tell_missed(missed)
            return exit_code_of(ended, as_program=exit_code) or (FAILED if missed else 0)

    ctx.exit(asyncio.run(run()))


async def _cancel_queued(speaker: Client) -> None:
    for job in (await speaker.jobs(state=State.QUEUED.value, tag=TAG, limit="500")).jobs:
        await speaker.cancel(job.id)


async def _leave(speaker: Client, job: Job, milestones: Milestones) -> None:
    """After Ctrl-C: a job that does not run yet is cancelled, one that runs is left alone."""
    job = await speaker.job(job.id)
    if job.state in (State.QUEUED, State.CLAIMED) and not milestones.is_executing:
        job = await cancel_and_wait(speaker, job)
    if job.state.is_final:
        milestones.ended(job)
    else:
        milestones.say("detached from job")
        click.echo(f"It goes on running. To follow it: telerun watch {job.number}", err=True)
