"""One job on this machine without a server: the same toolchains, the same sandbox and the same limits.

A job is a folder with `spec.json` and its files in `blobs`, named by their sha256. What it prints goes to our standard
output and error as it comes; then `result.json` tells how it ended, and `kept` holds the files that it left.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from telerun_executor.attempt import Attempt
from telerun_executor.bench import Bench
from telerun_executor.config import Config
from telerun_executor.devices import emulated
from telerun_executor.devices.offered import offered_devices
from telerun_executor.harvest import collect_output, compiler_messages, result_of
from telerun_executor.outcome import cancelled
from telerun_executor.runners.choose import prepare_process, ready_runner
from telerun_executor.toolchains import emulated as emulated_toolchains
from telerun_executor.toolchains import toolchains
from telerun_executor.toolchains.discovery import job_path
from telerun_executor.toolchains.places import places
from telerun_executor.work_folder import hold
from telerun_protocol.codec import decode, encode
from telerun_protocol.limits import DEFAULTS, filled
from telerun_protocol.messages import Claim, JobSpec, Result
from telerun_protocol.states import StreamId

NAME = "this machine"


async def run_local(config: Config, folder: Path) -> None:
    """Runs the job of a folder; SIGINT and SIGTERM cancel it."""
    os.umask(0o022)
    prepare_process(config)
    job = LocalJob(folder)
    chains = toolchains(config.python)
    emulation = await asyncio.to_thread(emulated.set_up, config)
    shown = [*places(config.python), *([emulation.runtime] if emulation else [])]
    with hold(folder / "work") as work_folder:
        async with (
            ready_runner(config, work_folder, shown) as runner,
            offered_devices(config, emulation) as pool,
            runner.workspace("job") as workspace,
        ):
            bench = Bench(
                runner=runner,
                toolchains=chains,
                emulated=emulated_toolchains(chains, emulation) if emulation else {},
                devices=pool,
                slots=1,
                compile_slots=config.compilers_at_once,
                compile_memory_bytes=config.compile_memory_bytes,
                path=job_path(),
                executor=NAME,
            )
            attempt = Attempt(
                bench, job.claim, workspace, enter=lambda _: None, write=job.write, download=job.download,
                upload=job.keep,
            )  # fmt: skip
            work = asyncio.create_task(attempt.outcome())
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, work.cancel)
            await asyncio.wait({work})
            outcome = cancelled() if work.cancelled() else work.result()
            await collect_output(attempt.findings, job.claim.spec, workspace, job.keep, lambda: None)
            told = await compiler_messages(attempt.findings, workspace)
            job.end(result_of(bench, job.claim.spec, outcome, attempt.findings, told))


class LocalJob:
    """The folder of the job, in the place of a server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        spec = decode((folder / "spec.json").read_bytes(), JobSpec)
        emulate = spec.emulate is not False  # where there is no GPU; it is one's own choice of machine
        spec = msgspec.structs.replace(spec, limits=filled(spec.limits, DEFAULTS), emulate=emulate)
        self.claim = Claim(
            job_id=NAME, claim_id=NAME, attempt=1, log_offset=0, spec=spec, owner="you", network=spec.network
        )
        (folder / "kept").mkdir()

    async def write(self, stream: int, data: bytes) -> None:
        await asyncio.to_thread(_write, 1 if stream == StreamId.STDOUT else 2, data)

    async def download(self, sha256: str) -> AsyncIterator[bytes]:
        yield await asyncio.to_thread((self._folder / "blobs" / sha256).read_bytes)

    async def keep(self, content: Path | bytes) -> str:
        return await asyncio.to_thread(self._keep, content)

    def _keep(self, content: Path | bytes) -> str:
        new = self._folder / "kept" / f"new-{id(content)}"
        if isinstance(content, bytes):
            new.write_bytes(content)
        else:
            shutil.copyfile(content, new)
        with new.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        new.replace(new.with_name(sha256))
        return sha256

    def end(self, result: Result) -> None:
        (self._folder / "result.json").write_bytes(encode(result))


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
