"""The only place that decides what becomes of jobs. Handlers call it for users and executors, maintenance for time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

import msgspec

from telerun_protocol.errors import NotFound, StaleClaim, TelerunError
from telerun_protocol.messages import (
    Claim,
    ClaimList,
    ClaimRequest,
    Event,
    ExecutorInfo,
    ExecutorList,
    ExecutorTerms,
    Heartbeat,
    HeartbeatRequest,
    Job,
    JobList,
    Principal,
    Report,
    Submit,
)
from telerun_protocol.states import HELD_STATES, State
from telerun_server.admission import Admission
from telerun_server.config import Config
from telerun_server.connections import Connection, Connections
from telerun_server.holders import Holder, Holders
from telerun_server.logs import Logs
from telerun_server.metrics import Metrics
from telerun_server.needs import Needs, may_claim, needs_of, waiting_for
from telerun_server.results import NEVER_STARTED, unfit, when_cancelled
from telerun_server.store.base import Change, ClaimOrder, HeldJob, JobFilter, Store, Submission, Told
from telerun_server.wakeups import Waiter, Wakeups

LONGEST_WAIT_S = 60.0


class Queue:
    """Open it with `await queue.load()`; `stop` answers everyone who waits."""

    def __init__(self, store: Store, logs: Logs, wakeups: Wakeups, config: Config, metrics: Metrics) -> None:
        self._store = store
        self._logs = logs
        self._wakeups = wakeups
        self._config = config
        self._metrics = metrics
        self._admission = Admission(config)
        self._executors = Connections(config.lease_s)
        self._holders = Holders()
        self.stopping = False

    async def load(self) -> None:
        """What a former process left. Executors get one lease to come back: until then they count as live, lest a job
        be told that nobody has its GPU, and keep what they hold.
        """
        for row in await self._store.executors():
            self._executors.add(row.name, row.info, row.last_seen_at, heard=False)
        for held in await self._store.extend_all(time.time() + self._config.lease_s):
            self._holders.add(held, self._logs.size(held.job_id))

    def stop(self) -> None:
        self.stopping = True
        self._wakeups.ring_all()

    # ------------------------------------------------------------------------------------------------------ users

    async def submit(self, principal: Principal, messages: Iterable[Submit]) -> list[Job | TelerunError]:
        """Queues jobs, or finds those that have the same keys; in the place of what is refused stands why."""
        wanted: list[Submission | TelerunError] = []
        known = self._executors.known()
        for message in messages:
            try:
                wanted.append(self._admission.submission(principal, message, known))
            except TelerunError as refused:
                wanted.append(refused)
        submissions = [one for one in wanted if isinstance(one, Submission)]
        # They look right behind it, so that on an idle server the claim shares the commit of the submit.
        for needs in {submission.needs for submission in submissions}:
            self._wake_executors(needs)
        stored = iter(await self._store.submit(submissions, time.time()))
        self._wakeups.ring(("events", principal.name))
        return [next(stored) if isinstance(one, Submission) else one for one in wanted]

    async def job(self, principal: Principal, ref: str) -> Job:
        """Raises NotFound for what is not there and for what is another's: the two look the same."""
        job = await self._store.job(ref)
        if job is None or (job.owner != principal.name and principal.kind != "admin"):
            raise NotFound(f"There is no job {ref}, or it is not yours.")
        return self._explained((job,))[0]

    async def jobs(self, wanted: JobFilter) -> JobList:
        jobs = await self._store.jobs(wanted)
        more = jobs[-1].number if len(jobs) == wanted.limit else None
        return JobList(jobs=self._explained(jobs), next_before=more)

    def _explained(self, jobs: Iterable[Job]) -> tuple[Job, ...]:
        """With what those that are queued wait for, where that is not just their turn."""
        live, known = self._executors.live(), self._executors.known()
        reasons: dict[Needs, str | None] = {}

        def explained(job: Job) -> Job:
            if job.state is State.RUNNING and (usage := self._holders.usage(job.id)):
                return msgspec.structs.replace(job, usage=usage)
            if job.state is not State.QUEUED:
                return job
            needs = needs_of(job.spec)
            if needs not in reasons:
                reasons[needs] = waiting_for(needs, live, known)
            return msgspec.structs.replace(job, waiting_for=reasons[needs]) if reasons[needs] else job

        return tuple(map(explained, jobs))

    async def cancel(self, principal: Principal, ref: str) -> Job:
        job = await self.job(principal, ref)
        if change := await self._store.cancel(job.id, NEVER_STARTED, time.time()):
            self._announce((change,))
        return await self.job(principal, job.id)

    async def events(self, principal: Principal, after: int) -> list[Event]:
        return await self._store.events(principal.name, after, limit=200)

    async def usage_events(self, principal: Principal, after: int, seen: int) -> tuple[list[Event], int]:
        """What the principal's running jobs use, told since the report `seen`, and the latest of these reports."""
        told = self._holders.used_since(principal.name, seen)
        jobs = [job for job_id in told if (job := await self._store.job(job_id)) and job.state is State.RUNNING]
        events = [Event(id=after, at=time.time(), kind="usage", job=job) for job in self._explained(jobs)]
        return events, max(told.values(), default=seen)

    async def executors(self, principal: Principal, *, history: bool) -> ExecutorList:
        kept = {row.info.instance for row in await self._store.executors()}  # those of a removed account are not
        held = await self._store.held_by([one for one in self._executors.instances if one in kept])
        return ExecutorList(
            executors=tuple(
                one.shown(held[one.instance], principal.name, history=history)
                for one in self._executors
                if one.instance in held
            ),
            queued=await self._store.queued(),
        )

    # -------------------------------------------------------------------------------------------------- executors

    async def register(self, name: str, info: ExecutorInfo) -> ExecutorTerms:
        now = time.time()
        changes = await self._store.register(name, info, self._config.max_attempts, now)
        if info.replaces:
            self._executors.replace(info.replaces)
            self._wakeups.ring(("claims", info.replaces))
        self._executors.add(name, info, now)
        self._announce(changes)
        return ExecutorTerms(
            name=name, heartbeat_s=self._config.heartbeat_s, lease_s=self._config.lease_s, archs=self._config.archs
        )

    async def claim(self, name: str, request: ClaimRequest, waiter: Waiter) -> ClaimList:
        """Jobs for an executor, as soon as there are some; none after `wait_s`, for a client that has gone, at stop."""
        connected = self._executors.seen(name, request.instance)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(request.wait_s, LONGEST_WAIT_S)
        connected.polls += 1
        try:
            with self._wakeups.listening(waiter, ("claims", request.instance)):
                while not self.stopping and not connected.replaced and not connected.left:
                    waiter.clear()
                    if held := await self._store.claim(self._order(connected, request), time.time()):
                        return self._claimed(held)
                    if not await waiter.wait(deadline - loop.time()) or waiter.gone:
                        break
        finally:
            connected.polls -= 1
            connected.note()
        return ClaimList(claims=())

    def _order(self, connected: Connection, request: ClaimRequest) -> ClaimOrder:
        offer, live, known = connected.present, self._executors.live(), self._executors.known()
        return ClaimOrder(
            executor=offer.name,
            instance=request.instance,
            request_id=request.request_id,
            max_jobs=request.max_jobs,
            lease_s=self._config.lease_s,
            may_claim=lambda needs: may_claim(needs, offer, live, known),  # called in the database's thread
        )

    def _claimed(self, jobs: Iterable[HeldJob]) -> ClaimList:
        claims = []
        for held in jobs:
            log_offset = self._logs.size(held.job_id)
            self._holders.add(held, log_offset)
            self._wakeups.ring(("events", held.owner))
            self._metrics.claim_latency.observe(held.claimed_at - held.created_at)
            claims.append(
                Claim(
                    job_id=held.job_id,
                    claim_id=held.claim_id,
                    attempt=held.attempt,
                    log_offset=log_offset,
                    spec=held.spec,
                    owner=held.owner,
                    owner_class=held.owner_class,
                    network=held.spec.network and held.owner_class in self._config.network_classes,
                )
            )
        return ClaimList(claims=tuple(claims))

    async def heartbeat(self, name: str, request: HeartbeatRequest, waiter: Waiter) -> Heartbeat:
        """Answers at once when there is something to tell that the executor does not know, or when it leaves."""
        connected = self._executors.seen(name, request.instance)
        changed = connected.read(request.readings)
        connected.left = connected.left or request.leaving
        if changed or request.leaving:
            self._look_again()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(request.wait_s, self._config.lease_s / 3)
        known = set(request.known_cancels)
        with self._wakeups.listening(waiter, ("heartbeat", request.instance)):
            while True:
                waiter.clear()
                leases = await self._store.extend(
                    request.instance, request.claim_ids, self._config.lease_s, time.time()
                )
                answer = Heartbeat(
                    cancel=tuple(claim_id for claim_id in leases.cancel if claim_id not in known), lost=leases.lost
                )
                if answer.cancel or answer.lost or self.stopping or request.leaving:
                    return answer
                if not await waiter.wait(deadline - loop.time()) or waiter.gone:
                    return answer

    async def report(self, name: str, reports: Sequence[Report]) -> list[TelerunError | None]:
        """Notes what an executor tells; the refusal of each report, or None."""
        refusals: list[TelerunError | None] = [unfit(report) for report in reports]
        for number, one in enumerate(reports):
            if one.usage:
                refusals[number] = self._note_usage(name, one)
        told = [
            Told(executor=name, report=report, when_cancelled=when_cancelled(report.result))
            for report, refused in zip(reports, refusals, strict=True)
            if not refused and not report.usage
        ]
        await self._logs.sync(one.report.job_id for one in told if one.report.result)
        answers = await self._store.report(told, self._config.max_attempts, time.time())
        self._announce(answer for answer in answers if isinstance(answer, Change))
        stored = iter(answers)
        return [
            refused if refused or report.usage else _refusal(next(stored))
            for report, refused in zip(reports, refusals, strict=True)
        ]

    def _note_usage(self, name: str, report: Report) -> StaleClaim | None:
        try:
            holder = self._holders.note_usage(name, report)
        except StaleClaim as refused:
            return refused
        self._wakeups.ring(("events", holder.owner))
        return None

    def append_log(self, name: str, ref: str, claim_id: str, offset: int, frames: bytes) -> int:
        holder = self.check_claim(name, ref, claim_id)
        self._metrics.log_bytes.inc(len(frames))
        return self._logs.append(ref, offset, frames, holder.log_limit)

    def check_claim(self, name: str, job_id: str, claim_id: str) -> Holder:
        """Raises StaleClaim unless this executor holds the job under this claim."""
        return self._holders.check(name, job_id, claim_id)

    async def job_id(self, ref: str) -> str:
        """Executors say the id; whoever says the number instead is understood too."""
        if not ref.isdigit():
            return ref
        job = await self._store.job(ref)
        return job.id if job else ref

    # ------------------------------------------------------------------------------------------------ maintenance

    async def lose_expired(self) -> None:
        """Takes jobs from executors that have not renewed their leases."""
        self._announce(await self._store.lose_expired(self._config.max_attempts, time.time()))
        if self._executors.some_went_silent():
            self._look_again()

    def _look_again(self) -> None:
        """An executor is gone: what it alone could do may now be for others."""
        for instance in self._executors.instances:
            self._wakeups.ring(("claims", instance))

    def forget_executors(self, known: set[str]) -> None:
        """Keeps only those that the store still knows."""
        self._executors.keep(known)

    def _announce(self, changes: Iterable[Change]) -> None:
        """Wakes whoever waits for what has happened. Called as soon as it is durable."""
        for change in changes:
            self._wakeups.ring(("events", change.owner))
            if change.claim_id and change.state not in HELD_STATES:
                self._holders.remove(change.job_id, change.claim_id)
            if change.instance:
                self._wakeups.ring(("heartbeat", change.instance))
            if change.needs:
                self._wake_executors(change.needs)
            elif change.state.is_final:
                self._logs.end(change.job_id)
                self._metrics.finished.labels(change.state.value).inc()

    def _wake_executors(self, needs: Needs) -> None:
        for instance in self._executors.waiting_for(needs):
            self._wakeups.ring(("claims", instance))


def _refusal(answer: Change | TelerunError | None) -> TelerunError | None:
    return answer if isinstance(answer, TelerunError) else None
