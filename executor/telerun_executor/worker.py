"""The executor's two conversations with the server: claiming jobs, and keeping the leases of those it holds."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import msgspec

from telerun_executor.bench import Bench
from telerun_executor.job_runner import JobRunner, Stop
from telerun_executor.reporter import Reporter
from telerun_protocol.client import Client
from telerun_protocol.errors import Conflict, ServerUnreachable, TelerunError
from telerun_protocol.messages import (
    Claim,
    ClaimRequest,
    ExecutorInfo,
    ExecutorTerms,
    HeartbeatRequest,
    Message,
    Result,
)
from telerun_protocol.states import Reason, State

log = logging.getLogger(__name__)
Asked = TypeVar("Asked", bound=Message)
Answer = TypeVar("Answer", bound=Message)
CLAIM_WAIT_S = 50.0
# A job that is over sooner costs no heartbeat of its own; after an answer that is empty sooner, the next waits as long.
QUICK_S = 0.25
TROUBLE_S = 2.0
LAST_WORDS_S = 5.0  # for giving jobs back when the executor stops
GOODBYE_S = 1.0


class Worker:
    """Serves jobs until `stop` is called; then it gives back what it has not finished in time."""

    def __init__(
        self, bench: Bench, client: Client, info: ExecutorInfo, terms: ExecutorTerms, *, drain_s: float
    ) -> None:
        self._bench = bench
        self._client = client
        self._reporter = Reporter(client)
        self._info = info
        self._terms = terms
        self._drain_s = drain_s
        self._jobs: dict[str, JobRunner] = {}  # by claim id
        self._told: frozenset[str] = frozenset()  # the claim ids in the heartbeat that is on its way
        self._patience: asyncio.Timeout | None = None
        self._cancels_heard: set[str] = set()
        self._changed = asyncio.Event()  # a job has ended
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Asks for an orderly end."""
        self._stopping.set()

    async def run(self) -> None:
        self._bench.devices.on_change = self._hurry
        async with asyncio.TaskGroup() as jobs, asyncio.TaskGroup() as talking:
            reports = talking.create_task(self._reporter.run())
            heartbeats = talking.create_task(self._heartbeats())
            claims = talking.create_task(self._claims(jobs))
            await self._stopping.wait()
            claims.cancel()
            await self._wind_up()
            reports.cancel()
            heartbeats.cancel()
            await self._say_goodbye()

    # ----------------------------------------------------------------------------------------------------- claims

    async def _claims(self, jobs: asyncio.TaskGroup) -> None:
        """Takes the slot before the job: asks only for as many jobs as can be begun."""
        most = self._bench.slots + self._bench.compile_slots
        while True:
            while len(self._jobs) >= most:
                self._changed.clear()
                await self._changed.wait()
            request = ClaimRequest(
                instance=self._info.instance,
                request_id=uuid.uuid4().hex,
                max_jobs=min(most - len(self._jobs), 64),
                wait_s=CLAIM_WAIT_S,
            )
            answer = await self._patiently(self._client.claim, request)
            for claim in answer.claims:
                self._begin(claim, jobs)

    def _begin(self, claim: Claim, jobs: asyncio.TaskGroup) -> None:
        runner = JobRunner(self._bench, self._client, self._reporter, claim)
        self._jobs[claim.claim_id] = runner
        jobs.create_task(self._serve(runner))
        asyncio.get_running_loop().call_later(QUICK_S, self._tell_anew)

    async def _serve(self, runner: JobRunner) -> None:
        claim = runner.claim
        log.info("a job has begun", extra={"job": claim.job_id, "attempt": claim.attempt, "owner": claim.owner})
        try:
            await runner.run()
        except Exception as error:  # a fault of ours in one job must not end the others, nor come back for ever
            log.exception("an attempt failed by a fault of the executor", extra={"job": claim.job_id})
            await self._report_fault(claim, error)
        finally:
            del self._jobs[claim.claim_id]
            self._cancels_heard.discard(claim.claim_id)
            self._changed.set()

    async def _report_fault(self, claim: Claim, error: Exception) -> None:
        result = Result(
            state=State.FAILED,
            reason=Reason.SANDBOX_ERROR,
            message=f"The executor {self._bench.executor} failed while it served the job ({type(error).__name__}).",
            hint="This is not your program's fault; the executor's log says more.",
            executor=self._bench.executor,
        )
        try:
            await self._reporter.finish(claim, result)
        except TelerunError as refused:
            log.warning("a fault could not be reported", extra={"job": claim.job_id, "error": str(refused)})

    # ------------------------------------------------------------------------------------------------- heartbeats

    async def _heartbeats(self) -> None:
        while True:
            self._told = frozenset(self._jobs)
            request = HeartbeatRequest(
                instance=self._info.instance,
                claim_ids=tuple(self._told),
                known_cancels=tuple(self._cancels_heard & self._told),
                wait_s=self._terms.heartbeat_s,
                readings=self._bench.devices.readings(),
            )
            try:
                async with asyncio.timeout(None) as self._patience:
                    answer = await self._patiently(self._client.heartbeat, request)
            except TimeoutError:  # there are new jobs to tell of, or a device has changed
                continue
            finally:
                self._patience = None
            self._cancels_heard.update(answer.cancel)
            self._stop_jobs(answer.lost, Stop.LOST)
            self._stop_jobs(answer.cancel, Stop.CANCEL)

    def _tell_anew(self) -> None:
        """The server tells of cancels for the claims it was asked about: ask again when there are new ones."""
        if not self._told.issuperset(self._jobs):
            self._hurry()

    def _hurry(self) -> None:
        if self._patience and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time())

    def _stop_jobs(self, claim_ids: Iterable[str], why: Stop) -> None:
        for claim_id in claim_ids:
            if runner := self._jobs.get(claim_id):
                log.info("a job is to end", extra={"job": runner.claim.job_id, "why": why.value})
                runner.stop(why)

    # ------------------------------------------------------------------------------------------------------ the end

    async def _wind_up(self) -> None:
        """Gives back what has not started its program; lets the rest run on for a while, then gives that back too."""
        log.info("stopping", extra={"jobs": len(self._jobs)})
        for runner in tuple(self._jobs.values()):
            if not runner.has_run:
                runner.stop(Stop.RELEASE)
        try:
            async with asyncio.timeout(self._drain_s):
                await self._until_idle()
        except TimeoutError:
            self._stop_jobs(tuple(self._jobs), Stop.RELEASE)
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._until_idle()
        except TimeoutError:
            log.warning("the server does not take jobs back; it will miss them", extra={"jobs": len(self._jobs)})
            self._stop_jobs(tuple(self._jobs), Stop.LOST)

    async def _say_goodbye(self) -> None:
        """Without it the server would count on us for another lease."""
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._client.heartbeat(HeartbeatRequest(instance=self._info.instance, leaving=True))
        except (TelerunError, TimeoutError) as error:
            log.info("the server was not told of the end", extra={"error": str(error)})

    async def _until_idle(self) -> None:
        while self._jobs:
            self._changed.clear()
            await self._changed.wait()

    # ------------------------------------------------------------------------------------------------------ trouble

    async def _patiently(self, ask: Callable[[Asked], Awaitable[Answer]], request: Asked) -> Answer:
        """Asks until there is an answer, whatever the server's state. An executor outlives its server."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                answer = await ask(request)
            except ServerUnreachable as error:
                log.warning(
                    "the server does not answer", extra={"request": type(request).__name__, "error": error.message}
                )
            except Conflict:
                await self._register_again()
            except TelerunError as error:
                log.error("the server refuses", extra={"request": type(request).__name__, "error": str(error)})
                await asyncio.sleep(TROUBLE_S)
            else:
                if (
                    not any(msgspec.structs.astuple(answer)) and loop.time() - began < QUICK_S
                ):  # a server that stops answers at once
                    await asyncio.sleep(QUICK_S)
                return answer

    async def _register_again(self) -> None:
        try:
            await self._client.register(self._info)
            log.info("registered again")
        except TelerunError as error:
            log.error("registering failed", extra={"error": str(error)})
            await asyncio.sleep(TROUBLE_S)
