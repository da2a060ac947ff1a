"""The work of one attempt at a job: fetch → compile → wait for a device → run, with assembly views beside the run."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from telerun_executor.assembly import assemble
from telerun_executor.bench import Bench
from telerun_executor.devices.base import Lease
from telerun_executor.emulation_reports import Reports, hint_on_archs, is_emulated, notes_on_emulation
from telerun_executor.findings import Findings
from telerun_executor.log_stream import Meter, Sieve
from telerun_executor.outcome import Outcome, failed, no_such_device, of_compiler, of_program, succeeded
from telerun_executor.runners.base import Box, Command, Output, ProcessExit, Terms
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import InvalidMessage, SandboxError, StaleClaim, TelerunError
from telerun_protocol.messages import (
    Claim,
    FileRef,
    Limits,
    Usage,
)
from telerun_protocol.states import Language, Phase, Reason, StreamId
from telerun_protocol.units import show_size

log = logging.getLogger(__name__)
DOWNLOADS_AT_ONCE = 8
COMPILE_LOG_BYTES = 1 << 20  # kept
COMPILE_OUTPUT_BYTES = 8 << 20  # more is no message to anybody
COMPILE_DISK_BYTES = 2 << 30
DEFAULT_COMPILE_TIME_S = 120.0


class Attempt:
    """Does the work in a workspace; `enter` hears each phase, `write` takes output, files come and go by sha256."""

    def __init__(
        self,
        bench: Bench,
        claim: Claim,
        workspace: Workspace,
        *,
        enter: Callable[[Phase], None],
        write: Output,
        download: Callable[[str], AsyncIterator[bytes]],
        upload: Callable[[Path | bytes], Awaitable[str]],
    ) -> None:
        self.findings = Findings()
        self._bench = bench
        self._claim = claim
        self._spec = claim.spec
        self._limits = claim.spec.limits
        self._toolchain = bench.toolchains[claim.spec.language]
        self._candidates = bench.devices.candidates(claim.spec) if claim.spec.gpus_wanted else ()
        self._workspace = workspace
        self._running: Box | None = None
        self._enter = enter
        self._write = write
        self._fetch_blob = download
        self._upload = upload

    def usage(self) -> Usage | None:
        """What the program uses now, where it runs and that is known."""
        return self._running.usage() if self._running else None

    async def outcome(self) -> Outcome:
        """Does it all; what can go wrong is told apart: the job's mistakes and our own."""
        try:
            await self._fetch()
            return await self._build_and_run()
        except (TelerunError, OSError, ExceptionGroup) as raised:
            error = _first(raised)
            why = f"{error.strerror}." if isinstance(error, OSError) and error.strerror else str(error)
            if isinstance(error, InvalidMessage):
                return failed(Reason.BAD_SPEC, error.message, error.hint)
            if isinstance(error, StaleClaim) or not isinstance(error, TelerunError | OSError):
                raise error from None
            log.warning("an attempt failed here", extra={"job": self._claim.job_id, "error": str(error)})
            return failed(
                Reason.SANDBOX_ERROR,
                f"The executor {self._bench.executor} could not run the job: {why}",
                "This is not your program's fault.",
            )

    # -------------------------------------------------------------------------------------------------------- fetch

    async def _fetch(self) -> None:
        self._enter(Phase.FETCH)
        wanted = [(file, self._workspace.src / file.path) for file in self._spec.files]
        wanted += [(file, self._workspace.work / file.path) for file in self._spec.inputs]
        if self._spec.stdin:
            wanted.append((self._spec.stdin, self._workspace.stdin))
        turn = asyncio.Semaphore(DOWNLOADS_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for file, target in wanted:
                group.create_task(self._download(file, target, turn))
        await asyncio.to_thread(self._toolchain.prepare, self._spec, self._workspace)

    async def _download(self, file: FileRef, target: Path, turn: asyncio.Semaphore) -> None:
        async with turn:
            try:
                with _create(target, 0o755 if file.executable else 0o644) as content:
                    async for block in self._fetch_blob(file.sha256):
                        content.write(block)
            except InvalidMessage as error:  # damaged on the way: not the job's mistake
                raise SandboxError(f"{file.path}: {error.message}") from error

    # -------------------------------------------------------------------------------------------------------- build

    async def _build_and_run(self) -> Outcome:
        spec, bench = self._spec, self._bench
        if spec.run and is_emulated(self._candidates):
            self._toolchain = bench.emulated[spec.language]
        if self._toolchain.info() is None:
            message = f"The executor {bench.executor} cannot serve {spec.language} jobs."
            return failed(Reason.NO_COMPILER, message, self._toolchain.missing())
        archs = bench.archs_for(spec.archs)
        disk_bytes = max(self._limits.disk_bytes or 0, COMPILE_DISK_BYTES)
        limits = Limits(memory_bytes=bench.compile_memory_bytes, disk_bytes=disk_bytes)
        commands = self._toolchain.build_commands(spec, self._workspace, archs)
        if not commands:
            return await self._run(None) if spec.run else succeeded()
        async with contextlib.AsyncExitStack() as boxes:
            box = await boxes.enter_async_context(
                bench.runner.open(self._workspace, limits, self._terms(building=True))
            )
            ready = None
            # A box without devices gets ready while the compiler works. Projects are built where they run.
            if spec.run and not spec.gpus_wanted and spec.language is not Language.PROJECT:
                own = bench.runner.open(self._workspace, self._limits, self._terms())
                ready = await boxes.enter_async_context(own)
            async with bench.compile_turns:
                self._enter(Phase.COMPILE)
                exit_ = await self._compile(box, commands)
            if not exit_.ok:
                outcome = of_compiler(exit_, self._limits)
                return replace(outcome, hint=f"{outcome.hint} {hint_on_archs(spec, self._candidates)}".rstrip())
            async with asyncio.TaskGroup() as group:
                group.create_task(self._assemble(box, archs))
                return await self._run(ready) if spec.run else succeeded()

    async def _compile(self, box: Box, commands: Sequence[Command]) -> ProcessExit:
        """The last command's end. What the compilers print goes to the log as theirs, as much as is bearable."""
        found = self.findings

        shown = Sieve(self._write, StreamId.COMPILE, self._toolchain.hidden_lines(self._spec))

        async def keep(_: int, data: bytes) -> None:
            found.compile_log += data
            await shown(data)

        deadline = asyncio.timeout(self._limits.compile_time_s or DEFAULT_COMPILE_TIME_S)
        kept = Meter(keep, COMPILE_LOG_BYTES)
        meter = Meter(kept, COMPILE_OUTPUT_BYTES, _at_once(deadline))
        exit_ = ProcessExit(exit_code=0)
        try:
            async with deadline:
                for command in commands:
                    exit_ = await self._step(box, Phase.COMPILE, command, meter)
                    if not exit_.ok:
                        break
        except TimeoutError:
            exit_ = ProcessExit(reason=Reason.OUTPUT_LIMIT if meter.cut_bytes else Reason.COMPILE_TIME_LIMIT)
        await shown.flush()
        if cut_bytes := kept.cut_bytes + meter.cut_bytes:
            found.notes.append(f"{show_size(cut_bytes)} of the compiler's messages were left out.")
        return exit_

    async def _assemble(self, box: Box, archs: Sequence[str]) -> None:
        async def run(command: Command, output: Output) -> ProcessExit:
            async with self._bench.compile_turns:
                return await self._step(box, Phase.COMPILE, command, output)

        found = self.findings
        compile_log = bytes(found.compile_log)
        try:
            async with asyncio.timeout(self._limits.compile_time_s or DEFAULT_COMPILE_TIME_S):
                views = await assemble(
                    self._toolchain, self._spec, self._workspace, archs, compile_log, run=run, upload=self._upload
                )
        except TimeoutError:
            found.notes.append("The assembly views are missing: making them took too long.")
            return
        except StaleClaim:
            raise
        except Exception as error:  # readers of what a stranger's program may have written: never the job's end
            log.exception("assembly could not be made", extra={"job": self._claim.job_id})
            found.notes.append(f"The assembly views are missing: the executor could not make them ({error}).")
            return
        found.artifacts += views.artifacts
        found.notes += views.notes
        found.kernels = views.kernels

    # ---------------------------------------------------------------------------------------------------------- run

    async def _run(self, ready: Box | None) -> Outcome:
        """In the box that is `ready`, or else in one of its own."""
        bench, found, wanted = self._bench, self.findings, self._spec.gpus_wanted
        candidates = self._candidates
        if wanted > len(candidates):
            return no_such_device(self._spec, bench.devices.all, bench.executor, compiled=bool(found.steps))
        command = self._toolchain.run_command(self._spec, self._workspace)
        stdin = self._workspace.stdin if self._spec.stdin else None
        command = replace(command, stdin=stdin, env={**self._spec.env, **command.env})
        if bench.run_turns.locked() or wanted > bench.devices.free(candidates):
            self._enter(Phase.WAIT_DEVICE)
        lease: Lease | None = None
        try:
            async with bench.run_turns, bench.devices.lease(wanted, candidates) as lease:
                found.devices = lease.devices
                found.notes += notes_on_emulation(self._spec, lease.devices)
                self._enter(Phase.RUN)
                found.has_run = True
                own = bench.runner.open(self._workspace, self._limits, self._terms())
                async with contextlib.nullcontext(ready) if ready else own as box:
                    return of_program(await self._run_program(box, command), self._limits)
        finally:
            if lease:
                found.device_use = lease.use
                found.notes += lease.notes

    async def _run_program(self, box: Box, command: Command) -> ProcessExit:
        """The program's end; output and time limits are kept here, the others by the box."""
        found = self.findings
        deadline = asyncio.timeout(self._limits.wall_time_s)
        write = Reports(self._write, found.compile_log) if is_emulated(found.devices) else self._write
        meter = Meter(write, self._limits.output_bytes, _at_once(deadline))
        self._running = box
        try:
            async with deadline:
                exit_ = await self._step(box, Phase.RUN, command, meter)
        except TimeoutError:
            exit_ = ProcessExit(reason=Reason.TIME_LIMIT)
        finally:
            self._running = None
            found.output_bytes, found.output_cut_bytes = meter.seen_bytes, meter.cut_bytes
        if found.processes_refused:
            times = f"{found.processes_refused:,} times" if found.processes_refused > 1 else "once"
            found.notes.append(f"The program was refused another process or thread {times}: it may have so many only.")
        if meter.cut_bytes:
            kept, cut = show_size(meter.seen_bytes - meter.cut_bytes), show_size(meter.cut_bytes)
            found.notes.append(f"The first {kept} of the output were kept; at least {cut} more were not.")
            return replace(exit_, reason=Reason.OUTPUT_LIMIT)
        return exit_

    async def _step(self, box: Box, phase: Phase, command: Command, output: Output) -> ProcessExit:
        """Runs one command and notes it, also when it is broken off."""
        began = time.monotonic()
        exit_ = ProcessExit()
        command = replace(command, env={**self._base_env(), **command.env})
        if phase is Phase.RUN:
            self.findings.environment = box.environment(command)

        def note(told: ProcessExit) -> None:
            nonlocal exit_
            exit_ = told

        try:
            return await box.run(command, output, note)
        finally:
            self.findings.note_step(phase, command, exit_, time.monotonic() - began)

    def _terms(self, *, building: bool = False) -> Terms:
        claim = self._claim
        if building:
            return Terms(building=True, owner_class=claim.owner_class)
        return Terms(devices=self.findings.devices, network=claim.network, owner_class=claim.owner_class)

    def _base_env(self) -> dict[str, str]:
        """What every command of a job finds, and nothing of the executor's own environment but its PATH."""
        return {"PATH": self._bench.path, "HOME": str(self._workspace.work), "LANG": "C.UTF-8"}


def _at_once(deadline: asyncio.Timeout) -> Callable[[], None]:
    """Lets a time be over now."""

    def end() -> None:
        if not deadline.expired():
            deadline.reschedule(asyncio.get_running_loop().time())

    return end


def _create(target: Path, mode: int) -> BinaryIO:
    target.parent.mkdir(parents=True, exist_ok=True)
    return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")


def _first(error: BaseException) -> BaseException:
    """The first error inside nested groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
