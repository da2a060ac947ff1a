"""A job as the whole MIME bundle of its display: for outputs that nobody updates any more, after a page reload."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from telerun_magic.render import files, job_display
from telerun_magic.render.bundle import bundle as mime_bundle
from telerun_magic.render.job_display import JobDisplay
from telerun_protocol.client import Client
from telerun_protocol.codec import decode
from telerun_protocol.errors import TelerunError
from telerun_protocol.listing import LISTING_PATH, AsmListing
from telerun_protocol.messages import Artifact, Job
from telerun_protocol.states import StreamId

STREAM_BYTES = 64_000  # of each stream's end
SOURCE_BYTES = 1_000_000
PREVIEWS_BYTES = 50_000_000  # all together


async def bundle(client: Client, ref: str, *, with_output: bool) -> dict[str, Any]:
    """Everything that a display of the job shows, gathered from the queue and rendered."""
    job = await client.job(ref)
    texts = await _streams(client, job) if with_output or job.state.is_final else dict.fromkeys(range(4), "")
    source, listing, notice = None, None, ""
    previews: dict[str, bytes] = {}
    try:
        source = await _source(client, job)
        listing = await _listing(client, job)
        previews = await _previews(client, job)
    except TelerunError as error:  # the job's end is told in any case
        notice = f"Some of its files cannot be shown: {error}\n"
    view = JobDisplay(
        job=job,
        now=time.time(),
        source=source,
        line_offset=job.spec.line_offset,
        system=texts[StreamId.SYSTEM] + notice,
        compile_log=texts[StreamId.COMPILE] if job.state.is_final else "",
        output={"stdout": texts[StreamId.STDOUT], "stderr": texts[StreamId.STDERR]} if with_output else {},
        previews=previews,
        listing=listing,
    )
    return await asyncio.to_thread(lambda: mime_bundle(job_display.blocks(view), job))


async def _streams(client: Client, job: Job) -> dict[int, str]:
    """The end of each stream, decoded."""
    pieces: dict[int, deque[bytes]] = {stream: deque() for stream in range(4)}
    sizes = dict.fromkeys(pieces, 0)
    async for frame in client.log(job.id):
        kept = pieces[frame.stream]
        kept.append(frame.payload)
        sizes[frame.stream] += len(frame.payload)
        while sizes[frame.stream] - len(kept[0]) > STREAM_BYTES:
            sizes[frame.stream] -= len(kept.popleft())
    return {stream: b"".join(kept).decode("utf-8", "replace") for stream, kept in pieces.items()}


async def _source(client: Client, job: Job) -> str | None:
    """The text of the main file, where messages point into it."""
    if not (job.result and job.result.diagnostics):
        return None
    main = [file for file in job.spec.files if file.path == job.spec.main_path and file.size_bytes <= SOURCE_BYTES]
    if not main:
        return None
    content = b"".join([block async for block in client.download(main[0].sha256)])
    return content.decode("utf-8", "replace")


async def _previews(client: Client, job: Job) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    room = PREVIEWS_BYTES
    for artifact in files.to_preview(job.result.artifacts if job.result else ()):
        if artifact.size_bytes <= room:
            room -= artifact.size_bytes
            found[artifact.path] = await _content(client, job, artifact)
    return found


async def _listing(client: Client, job: Job) -> AsmListing | None:
    for artifact in job.result.artifacts if job.result else ():
        if artifact.path == LISTING_PATH:
            return decode(await _content(client, job, artifact), AsmListing)
    return None


async def _content(client: Client, job: Job, artifact: Artifact) -> bytes:
    return b"".join([block async for block in client.file(job.id, artifact.path, artifact.sha256)])
