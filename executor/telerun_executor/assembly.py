"""The assembly views of a job: made beside its run, kept as artifacts. Their failure is a note, never the job's."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from telerun_executor.runners.base import Command, ProcessExit
from telerun_executor.toolchains.base import Toolchain
from telerun_executor.workspace import Workspace
from telerun_protocol.codec import encode
from telerun_protocol.errors import TooLarge
from telerun_protocol.listing import LISTING_PATH, RESERVED_FOLDER
from telerun_protocol.messages import Artifact, JobSpec, KernelResources

TIME_S = 120.0
OUTPUT_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    artifacts: tuple[Artifact, ...] = ()
    kernels: tuple[KernelResources, ...] = ()
    notes: tuple[str, ...] = ()


class Tail:
    """An `Output` that keeps the end of what a command prints."""

    def __init__(self) -> None:
        self._bytes = b""

    async def __call__(self, stream: int, data: bytes) -> None:
        self._bytes = (self._bytes + data)[-OUTPUT_BYTES:]

    @property
    def last_line(self) -> str:
        lines = self._bytes.decode(errors="replace").split("\n")
        return next((line.strip()[:500] for line in reversed(lines) if line.strip()), "no output")


async def assemble(
    toolchain: Toolchain,
    spec: JobSpec,
    workspace: Workspace,
    archs: Sequence[str],
    compile_log: bytes,
    *,
    run: Callable[[Command, Tail], Awaitable[ProcessExit]],
    upload: Callable[[Path | bytes], Awaitable[str]],
) -> Views:
    """Runs the toolchain's further commands, reads what is there, and uploads it."""
    notes: list[str] = []
    for command in toolchain.asm_commands(spec, workspace, archs):
        output = Tail()
        exit_ = await run(command, output)
        if not exit_.ok:
            notes.append(f"An assembly view is missing: {Path(command.argv[0]).name} said: {output.last_line}")
    assembly = await asyncio.to_thread(toolchain.read_assembly, spec, workspace, archs, compile_log)
    artifacts = []
    for file in assembly.files:
        try:
            fd = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            notes.append(f"The assembly file {file.name} is missing: {error.strerror}.")
            continue
        try:
            size = os.fstat(fd).st_size
            sha256 = await upload(Path(f"/proc/self/fd/{fd}"))
        except TooLarge:
            notes.append(f"The assembly file {file.name} is missing: the server takes none that large.")
            continue
        finally:
            os.close(fd)
        path = f"{RESERVED_FOLDER}/asm/{file.name}"
        artifacts.append(Artifact(path=path, sha256=sha256, size_bytes=size, media_type=file.media_type, kind="asm"))
    if assembly.listing is not None:
        listing = encode(assembly.listing)
        artifacts.append(
            Artifact(
                path=LISTING_PATH,
                sha256=await upload(listing),
                size_bytes=len(listing),
                media_type="application/json",
                kind="asm",
            )
        )
    return Views(artifacts=tuple(artifacts), kernels=assembly.kernels, notes=tuple(notes))
