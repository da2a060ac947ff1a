"""One attempt at one job, seen from the queue: its log, its phases, and in the end exactly one report."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Awaitable
from pathlib import Path

from telerun_executor.attempt import Attempt
from telerun_executor.bench import Bench
from telerun_executor.findings import Findings
from telerun_executor.harvest import collect_output, compiler_messages, result_of
from telerun_executor.log_stream import LogStream
from telerun_executor.outcome import Outcome, cancelled
from telerun_executor.reporter import Reporter
from telerun_executor.workspace import Workspace
from telerun_protocol.client import Client
from telerun_protocol.errors import NotFound, StaleClaim, TooLarge
from telerun_protocol.messages import Claim
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

    def __init__(self, bench: Bench, client: Client, reporter: Reporter, claim: Claim) -> None:
        self.claim = claim
        self._bench = bench
        self._client = client
        self._reporter = reporter
        self._key = (claim.job_id, claim.claim_id)
        self._log = LogStream(self._append_log, claim.log_offset)
        self._phases: asyncio.Queue[Awaitable[None]] = asyncio.Queue()  # told, and not yet answered
        self._attempt: Attempt | None = None
        self._work: asyncio.Task[Outcome] | None = None
        self._ending: asyncio.Task[None] | None = None
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
        elif self._ending and why is Stop.LOST:
            self._ending.cancel()

    async def run(self) -> None:
        """Does the job and reports how it ended; returns when nothing of it is left here."""
        try:
            async with self._bench.runner.workspace(self.claim.claim_id, keep=self._bench.keep) as workspace:
                self._attempt = Attempt(
                    self._bench,
                    self.claim,
                    workspace,
                    enter=self._enter,
                    write=self._log.write,
                    download=lambda sha256: self._client.download(sha256, claim=self._key),
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
                    # A task of its own: what is lost breaks off the report, never the clearing up after it.
                    self._ending = group.create_task(self._end(self._work, self._attempt.findings, workspace))
                    await asyncio.wait({self._ending})
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
        spec, outcome = self.claim.spec, cancelled() if work.cancelled() else work.result()
        await collect_output(found, spec, workspace, self._upload, lambda: self._enter(Phase.COLLECT))
        told = await compiler_messages(found, workspace)
        await self._log.drain()
        if self._log_is_cut:
            found.notes.append("Parts of the output are missing: the server takes no longer log.")
        result = result_of(self._bench, spec, outcome, found, told)
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
            return await self._client.append_log(*self._key, offset, frames)
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
        return await self._client.upload(content, claim=self._key)
