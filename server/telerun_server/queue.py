"""The only place that decides what becomes of jobs. Handlers call it for users and executors, maintenance for time."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from telerun_protocol.errors import Forbidden, InvalidMessage, NotFound, StaleClaim, TelerunError
from telerun_protocol.limits import OPTIONS, filled
from telerun_protocol.messages import (
    Claim,
    ClaimList,
    ClaimRequest,
    Event,
    Executor,
    ExecutorInfo,
    ExecutorList,
    ExecutorTerms,
    Heartbeat,
    HeartbeatRequest,
    Job,
    JobList,
    JobSpec,
    Principal,
    Report,
    Result,
    Submit,
    Usage,
)
from telerun_protocol.states import Reason, State
from telerun_server.config import Config, exceeded
from telerun_server.connections import Connection, Connections
from telerun_server.logs import Logs
from telerun_server.metrics import Metrics
from telerun_server.needs import Needs, may_claim, needs_of, refuse_hopeless, waiting_for
from telerun_server.store.base import Change, ClaimOrder, HeldJob, JobFilter, Store, Submission, Told
from telerun_server.wakeups import Waiter, Wakeups

LOG_SLACK_BYTES = 16 << 20  # compiler output and frame headers, beside the program's own output
LONGEST_WAIT_S = 60.0
BASE_32 = b"abcdefghijklmnopqrstuvwxyz234567" * 8  # a letter for each of the 256 bytes


@dataclass(frozen=True, slots=True)
class Holder:
    """The claim whose appends to a job's log are taken."""

    claim_id: str
    executor: str
    owner: str
    log_limit: int


@dataclass(frozen=True, slots=True)
class LiveUsage:
    """What a running job uses, as its executor told last; in no database, for it is old in a moment."""

    number: int  # grows with every report
    owner: str
    usage: Usage


class Queue:
    """Open it with `await queue.load()`; `stop` answers everyone who waits."""

    def __init__(self, store: Store, logs: Logs, wakeups: Wakeups, config: Config, metrics: Metrics) -> None:
        self._store = store
        self._logs = logs
        self._wakeups = wakeups
        self._config = config
        self._metrics = metrics
        self._limits = config.service_limits
        self._executors = Connections(config.lease_s)
        self._holders: dict[str, Holder] = {}
        self._usage: dict[str, LiveUsage] = {}
        self._usage_numbers = itertools.count(1)
        self.stopping = False

    async def load(self) -> None:
        """What a former process left. Executors get one lease to come back: until then they count as live, lest a job
        be told that nobody has its GPU, and keep what they hold.
        """
        for row in await self._store.executors():
            self._executors.add(row.name, row.info, row.last_seen_at, heard=False)
        for held in await self._store.extend_all(time.time() + self._config.lease_s):
            self._hold(held)

    def stop(self) -> None:
        self.stopping = True
        self._wakeups.ring_all()

    # ------------------------------------------------------------------------------------------------------ users

    async def submit(self, principal: Principal, messages: Iterable[Submit]) -> list[Job | TelerunError]:
        """Queues jobs, or finds those that have the same keys; in the place of what is refused stands why."""
        wanted: list[Submission | TelerunError] = []
        for message in messages:
            try:
                wanted.append(self._submission(principal, message))
            except TelerunError as refused:
                wanted.append(refused)
        submissions = [one for one in wanted if isinstance(one, Submission)]
        # They look right behind it, so that on an idle server the claim shares the commit of the submit.
        for needs in {submission.needs for submission in submissions}:
            self._wake_executors(needs)
        stored = iter(await self._store.submit(submissions, time.time()))
        self._wakeups.ring(("events", principal.name))
        return [next(stored) if isinstance(one, Submission) else one for one in wanted]

    def _submission(self, principal: Principal, message: Submit) -> Submission:
        limits = filled(message.spec.limits, self._limits.defaults)
        if over := exceeded(limits, self._limits.maxima):
            name, most = over
            raise InvalidMessage(
                f"This server grants at most {most} of {OPTIONS[name]}.",
                path=f"$.spec.limits.{name}",
                hint="Ask for less.",
            )
        spec = msgspec.structs.replace(message.spec, limits=limits, emulate=self._emulates(message.spec))
        if spec.network and principal.user_class not in self._config.network_classes:
            raise Forbidden(
                "Your jobs may not use the network.",
                hint="Leave --network out and send what the program needs with --in, or ask for another class of user.",
            )
        needs = needs_of(spec)
        refuse_hopeless(needs, self._executors.known())
        return Submission(
            id=new_job_id(),
            owner=principal.name,
            idempotency_key=message.idempotency_key,
            spec=spec,
            needs=needs,
            blobs={file.sha256: file.size_bytes for file in spec.all_files},
            queued_at_most=self._config.queued_jobs_per_user,
        )

    def _emulates(self, spec: JobSpec) -> bool | None:
        """Whether GPUs may be emulated: as the job says, else by our policy."""
        if spec.emulate is None and spec.gpus_wanted:
            return self._config.emulation == "allow"
        return spec.emulate

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
            if job.state is State.RUNNING and (live_usage := self._usage.get(job.id)):
                return msgspec.structs.replace(job, usage=live_usage.usage)
            if job.state is not State.QUEUED:
                return job
            needs = needs_of(job.spec)
            if needs not in reasons:
                reasons[needs] = waiting_for(needs, live, known)
            return msgspec.structs.replace(job, waiting_for=reasons[needs]) if reasons[needs] else job

        return tuple(map(explained, jobs))

    async def cancel(self, principal: Principal, ref: str) -> Job:
        job = await self.job(principal, ref)
        result = Result(state=State.CANCELLED, reason=Reason.CANCELLED, message="Cancelled before it was started.")
        if change := await self._store.cancel(job.id, result, time.time()):
            self._announce((change,))
        return await self.job(principal, job.id)

    async def events(self, principal: Principal, after: int) -> list[Event]:
        return await self._store.events(principal.name, after, limit=200)

    async def usage_events(self, principal: Principal, after: int, seen: int) -> tuple[list[Event], int]:
        """What the principal's running jobs use, told since the report `seen`, and the latest of these reports."""
        told = {job_id: one for job_id, one in self._usage.items() if one.owner == principal.name and one.number > seen}
        jobs = [job for job_id in told if (job := await self._store.job(job_id)) and job.state is State.RUNNING]
        events = [Event(id=after, at=time.time(), kind="usage", job=job) for job in self._explained(jobs)]
        return events, max((one.number for one in told.values()), default=seen)

    async def executors(self, principal: Principal, *, history: bool) -> ExecutorList:
        kept = {row.info.instance for row in await self._store.executors()}  # those of a removed account are not
        held = await self._store.held_by([one for one in self._executors.instances if one in kept])
        return ExecutorList(
            executors=tuple(
                Executor(
                    name=one.offer.name,
                    info=one.offer.info,
                    online=one.is_online,
                    last_seen_at=one.seen_at,
                    running=tuple(job_id for job_id, owner in held[one.instance] if owner == principal.name),
                    busy=len(held[one.instance]),
                    labels=one.offer.all_labels,
                    readings=one.readings(history=history),
                )
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
            log_offset = self._hold(held)
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

    def _hold(self, held: HeldJob) -> int:
        """From here on appends of this claim are taken, and those of an earlier one not; returns where they begin."""
        size = self._logs.size(held.job_id)
        present = self._holders.get(held.job_id)
        if present is None or present.claim_id != held.claim_id:
            limit = size + 2 * (held.spec.limits.output_bytes or 0) + LOG_SLACK_BYTES
            self._holders[held.job_id] = Holder(held.claim_id, held.executor, held.owner, limit)
        return size

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
        refusals: list[TelerunError | None] = [_unfit(report) for report in reports]
        for number, one in enumerate(reports):
            if one.usage:
                refusals[number] = self._note_usage(name, one, one.usage)
        told = [
            Told(executor=name, report=report, when_cancelled=_cancelled(report.result))
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

    def _note_usage(self, name: str, report: Report, usage: Usage) -> TelerunError | None:
        try:
            holder = self.check_claim(name, report.job_id, report.claim_id)
        except StaleClaim as refused:
            return refused
        self._usage[report.job_id] = LiveUsage(next(self._usage_numbers), holder.owner, usage)
        self._wakeups.ring(("events", holder.owner))
        return None

    def append_log(self, name: str, ref: str, claim_id: str, offset: int, frames: bytes) -> int:
        holder = self.check_claim(name, ref, claim_id)
        self._metrics.log_bytes.inc(len(frames))
        return self._logs.append(ref, offset, frames, holder.log_limit)

    def check_claim(self, name: str, job_id: str, claim_id: str) -> Holder:
        """Raises StaleClaim unless this executor holds the job under this claim."""
        holder = self._holders.get(job_id)
        if holder is None or holder.claim_id != claim_id or holder.executor != name:
            raise StaleClaim(hint="Stop working on it: it was given to another attempt, or has ended.")
        return holder

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
            if change.claim_id and change.state not in (State.CLAIMED, State.RUNNING):
                holder = self._holders.get(change.job_id)
                if holder and holder.claim_id == change.claim_id:
                    del self._holders[change.job_id]
                    self._usage.pop(change.job_id, None)
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


def new_job_id() -> str:
    return "j" + secrets.token_bytes(11).translate(BASE_32).decode()


def _unfit(report: Report) -> InvalidMessage | None:
    result = report.result
    if result is None or (result.state.is_final and (result.state is State.SUCCEEDED) == (result.reason is None)):
        return None
    return InvalidMessage("$.result: a final state is needed, with a reason unless the job succeeded.", path="$.result")


def _refusal(answer: Change | TelerunError | None) -> TelerunError | None:
    return answer if isinstance(answer, TelerunError) else None


def _cancelled(result: Result | None) -> Result:
    """What a job whose cancelling was asked ends with: that, whatever its executor made of it, or gave back."""
    if result is None:
        return Result(state=State.CANCELLED, reason=Reason.CANCELLED, message="Cancelled.")
    if result.state is State.SUCCEEDED:
        return result
    return msgspec.structs.replace(
        result, state=State.CANCELLED, reason=Reason.CANCELLED, message="Cancelled while it ran.", hint=""
    )
