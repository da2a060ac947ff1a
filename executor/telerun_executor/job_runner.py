"""One attempt at one job, seen from the queue: its log, its phases, and in the end exactly one report."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Awaitable
from pathlib import Path

from telerun_executor import diagnostics
from telerun_executor.artifacts import collect, is_empty
from telerun_executor.attempt import Attempt, Findings
from telerun_executor.bench import Bench
from telerun_executor.log_stream import LogStream
from telerun_executor.outcome import Outcome, cancelled
from telerun_executor.reporter import Reporter
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import NotFound, StaleClaim, TooLarge
from telerun_protocol.messages import Claim, Diagnostic, Result
from telerun_protocol.states import Phase

log = logging.getLogger(__name__)
USAGE_EVERY_S = 2.0


class Stop(enum.Enum):
    """Why an attempt is broken off."""

    CANCEL = "cancel"  # its owner wants it to end: reported
    LOST = "lost"  # it is no longer ours: nothing is reported
    RELEASE = "release"  # we are stopping: it is given back


class JobRunner:
    """`run` does the attempt and reports it; `stop` breaks it off."""

    def __init__(self, bench: Bench, reporter: Reporter, claim: Claim) -> None:
        self.claim = claim
        self._bench = bench
        self._reporter = reporter
        self._key = (claim.job_id, claim.claim_id)
        self._log = LogStream(self._append_log, claim.log_offset)
        self._phases: asyncio.Queue[Awaitable[None]] = asyncio.Queue()  # told, and not yet answered
        self._attempt: Attempt | None = None
        self._work: asyncio.Task[Outcome] | None = None
        self._whole: asyncio.Task[None] | None = None
        self._stop: Stop | None = None
        self._log_is_cut = False

    @property
    def has_run(self) -> bool:
        """Whether the program has been started."""
        return self._attempt is not None and self._attempt.findings.has_run

    def stop(self, why: Stop) -> None:
        """Breaks the attempt off. LOST overrides the others; what has ended by itself is still reported."""
        if self._stop is None or why is Stop.LOST:
            self._stop = why
        if self._work and not self._work.done():
            self._work.cancel()
        elif self._whole and why is Stop.LOST:
            self._whole.cancel()

    async def run(self) -> None:
        """Does the job and reports how it ended; returns when nothing of it is left here."""
        self._whole = asyncio.current_task()
        try:
            async with self._bench.runner.workspace(self.claim.claim_id, keep=self._bench.keep) as workspace:
                self._attempt = Attempt(
                    self._bench,
                    self.claim,
                    workspace,
                    enter=self._enter,
                    write=self._log.write,
                    upload=self._upload,
                )
                async with asyncio.TaskGroup() as group:
                    senders = [
                        group.create_task(one) for one in (self._log.run(), self._hear_of_phases(), self._tell_usage())
                    ]
                    self._work = group.create_task(self._attempt.outcome())
                    if self._stop:
                        self._work.cancel()
                    await asyncio.wait({self._work})
                    await self._end(self._work, self._attempt.findings, workspace)
                    for sender in senders:
                        sender.cancel()
        except* (StaleClaim, NotFound):
            log.info("a job is no longer this executor's", extra={"job": self.claim.job_id})

    async def _end(self, work: asyncio.Task[Outcome], found: Findings, workspace: Workspace) -> None:
        if self._stop is Stop.LOST:
            return
        if self._stop is Stop.RELEASE and work.cancelled():
            await self._log.drain()
            await self._reporter.release(self.claim)
            return
        outcome = cancelled() if work.cancelled() else work.result()
        if found.has_run:
            await self._collect(found, workspace)
        told = await self._diagnostics(found, workspace)
        await self._log.drain()
        if self._log_is_cut:
            found.notes.append("Parts of the output are missing: the server takes no longer log.")
        result = self._result(outcome, found, told)
        await self._reporter.finish(self.claim, result)
        ended = {"job": self.claim.job_id, "state": str(result.state), "reason": str(result.reason or "")}
        log.info("a job has ended", extra=ended)

    # --------------------------------------------------------------------------------------------- to the server

    async def _tell_usage(self) -> None:
        while True:
            await asyncio.sleep(USAGE_EVERY_S)
            if self._attempt and (usage := self._attempt.usage()):
                await self._reporter.usage(self.claim, usage)

    async def _append_log(self, offset: int, frames: bytes) -> int:
        try:
            return await self._bench.client.append_log(*self._key, offset, frames)
        except TooLarge:  # countless tiny frames can be more than the output limit lets expect
            self._log_is_cut = True
            return offset

    def _enter(self, phase: Phase) -> None:
        """Tells the phase beside the work: a round trip never holds the job up."""
        self._phases.put_nowait(self._reporter.phase(self.claim, phase))

    async def _hear_of_phases(self) -> None:
        """A refusal leaves through here."""
        while True:
            await (await self._phases.get())

    async def _upload(self, content: Path | bytes) -> str:
        return await self._bench.client.upload(content, claim=self._key)

    # ------------------------------------------------------------------------------------------------ the result

    async def _collect(self, found: Findings, workspace: Workspace) -> None:
        if is_empty(workspace.out):
            return
        self._enter(Phase.COLLECT)
        collection = await collect(workspace.out, self.claim.spec.limits.disk_bytes, self._upload)
        found.artifacts += collection.artifacts
        found.notes += collection.notes()

    async def _diagnostics(self, found: Findings, workspace: Workspace) -> tuple[Diagnostic, ...]:
        if not found.compile_log:
            return ()
        folders = (workspace.src, workspace.work, workspace.build, workspace.tmp)
        return await asyncio.to_thread(diagnostics.parse, bytes(found.compile_log), folders)

    def _result(self, outcome: Outcome, found: Findings, told: tuple[Diagnostic, ...]) -> Result:
        info = self._bench.toolchains[self.claim.spec.language].info()
        return Result(
            state=outcome.state,
            reason=outcome.reason,
            message=outcome.message,
            hint=outcome.hint,
            exit_code=outcome.exit.exit_code if outcome.exit else None,
            signal=outcome.exit.signal if outcome.exit else None,
            signal_name=outcome.signal_name,
            steps=tuple(found.steps),
            diagnostics=told,
            artifacts=tuple(found.artifacts),
            kernels=found.kernels,
            notes=tuple(found.notes),
            devices=found.devices,
            device_use=found.device_use,
            isolation=self._bench.runner.isolation,
            usage=found.usage,
            executor=self._bench.executor,
            toolchain=info.version if info else "",
            output_bytes=found.output_bytes,
            output_cut_bytes=found.output_cut_bytes,
        )
