"""`telerun output`: a job's files, logs and assembly in a folder, as the submitting command leaves them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import count
from pathlib import Path

import click

from telerun_magic.cli.app import FAILED
from telerun_magic.cli.client import ask, job_id
from telerun_magic.cli.completion import complete_jobs
from telerun_magic.cli.out_folder import OutFolder
from telerun_magic.cli.terminal import clean
from telerun_protocol.client import Client
from telerun_protocol.codec import decode
from telerun_protocol.errors import InvalidMessage, NotFound
from telerun_protocol.listing import LISTING_PATH, AsmListing
from telerun_protocol.messages import Artifact, Job
from telerun_protocol.states import Language, StreamId

COMPILE_LOG, EXECUTE_LOG, PTX, SASS = "compile-log.txt", "execute-log.txt", "asm-ptx.txt", "asm-sass.txt"
MARK = ".telerun-job"  # says whose folder it is
OWN_NAMES = (COMPILE_LOG, EXECUTE_LOG, PTX, SASS, MARK)
COMPILED = (Language.CUDA, Language.CPP, Language.C, Language.PROJECT)
AT_ONCE = 4


def default_folder(job: Job) -> OutFolder:
    """telerun-out/NUMBER; with -2 and so on behind it where that is another job's: each server counts from 1."""
    root = Path("telerun-out") / f"{job.number:07}"
    for place in count(2):
        if not root.exists() or _marked(root) == job.id:
            break
        root = root.with_name(f"{job.number:07}-{place}")
    return OutFolder(root, (MARK, f"{job.id}\n".encode()))


def _marked(root: Path) -> str | None:
    try:
        return (root / MARK).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None


async def save_all(client: Client, job: Job, folder: OutFolder) -> tuple[list[str], list[str]]:
    """Logs, files and assembly: what was saved, and a sentence for each that was not; one does not stop another."""
    artifacts = {one.path: one for one in (job.result.artifacts if job.result else ())}
    outputs = [one for one in artifacts.values() if one.kind == "output"]
    saved: list[str] = []
    missed = [f"{one.path} was not saved: that name is Telerun's own." for one in outputs if _is_own_name(one.path)]
    slots = asyncio.Semaphore(AT_ONCE)

    async def save(path: str, blocks: AsyncIterator[bytes]) -> None:
        async with slots:
            try:
                await folder.save(path, blocks)
                saved.append(path)
            except (InvalidMessage, NotFound) as error:
                missed.append(str(error))

    async with asyncio.TaskGroup() as group:
        if job.spec.language in COMPILED:
            group.create_task(save(COMPILE_LOG, _log(client, job, compiling=True)))
        if job.started_at is not None:
            group.create_task(save(EXECUTE_LOG, _log(client, job, compiling=False)))
        for name, views in (await _assembly(client, job, artifacts)).items():
            group.create_task(save(name, _joined(client, job, views)))
        for one in outputs:
            if not _is_own_name(one.path):
                group.create_task(save(one.path, client.file(job.id, one.path, one.sha256)))
    return sorted(saved), missed


def _is_own_name(path: str) -> bool:
    return path.split("/", maxsplit=1)[0] in OWN_NAMES


async def _log(client: Client, job: Job, *, compiling: bool) -> AsyncIterator[bytes]:
    async for frame in client.log(job.id):
        if (frame.stream == StreamId.COMPILE) is compiling:
            yield frame.payload


async def _assembly(client: Client, job: Job, artifacts: Mapping[str, Artifact]) -> dict[str, list[Artifact]]:
    """Which raw files make up asm-ptx.txt and asm-sass.txt; host assembly takes SASS's place where there is none."""
    if LISTING_PATH not in artifacts:
        return {}
    content = b"".join([block async for block in _joined(client, job, [artifacts[LISTING_PATH]])])
    by_kind: dict[str, list[Artifact]] = {}
    for view in decode(content, AsmListing).views:
        raw = by_kind.setdefault(view.kind, [])
        if view.artifact in artifacts and artifacts[view.artifact] not in raw:
            raw.append(artifacts[view.artifact])
    files = {PTX: by_kind.get("ptx", []), SASS: by_kind.get("sass") or by_kind.get("host", [])}
    return {name: raw for name, raw in files.items() if raw}


async def _joined(client: Client, job: Job, artifacts: Iterable[Artifact]) -> AsyncIterator[bytes]:
    for one in artifacts:
        async for block in client.file(job.id, one.path, one.sha256):
            yield block


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where to; telerun-out/NUMBER otherwise.",
)
@click.argument("job", shell_complete=complete_jobs)
@click.pass_context
def output(ctx: click.Context, job: str, out: Path | None) -> None:
    """Save what a job left: its files, logs and assembly."""
    wanted = job_id(job)

    async def save(client: Client) -> int:
        found = await client.job(wanted)
        if not found.state.is_final:
            raise InvalidMessage(
                f"Job {found.number} has not ended yet.", hint=f"Follow it with telerun watch {found.number}."
            )
        folder = OutFolder(out) if out else default_folder(found)
        saved, missed = await save_all(client, found, folder)
        for path in saved:
            click.echo(clean(str(folder.root / path)))
        tell_missed(missed)
        return FAILED if missed else 0

    ctx.exit(ask(ctx.obj, save))


def tell_missed(missed: Iterable[str]) -> None:
    for sentence in missed:
        click.echo(f"telerun: {clean(sentence)}", err=True)
