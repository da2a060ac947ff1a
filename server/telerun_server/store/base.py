"""The seam to the database: few verbs, each one transaction, each transition one guarded UPDATE.

`Queue` calls the verbs about jobs, `Accounts` those about accounts, `Maintenance` those that clean up. When a verb
returns, what it did is durable and visible to every later call. `now` is always the caller's clock, in seconds since
1970. A verb that changes jobs returns a `Change` for each (`submit` the job), and has written an event for each in the
same transaction. Verbs that take several things are one transaction too; what is refused of them changes nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from telerun_protocol.errors import TelerunError
from telerun_protocol.messages import Event, ExecutorInfo, Job, JobSpec, Report, Result
from telerun_protocol.states import State
from telerun_server.needs import Needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Someone who may speak to the server. `role` is user, admin or executor; users and admins share one name space."""

    name: str
    role: str
    created_at: float
    user_class: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A transition that happened. `needs` is there when the job is queued now; `claim_id` is the claim that held it
    before, `instance` its executor process where that has to hear of it.
    """

    job_id: str
    owner: str
    state: State
    needs: Needs | None = None
    instance: str | None = None
    claim_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A job to be queued; `blobs` are the sizes of the files it names, by sha256."""

    id: str
    owner: str
    idempotency_key: str
    spec: JobSpec
    needs: Needs
    blobs: dict[str, int]
    queued_at_most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list, newest first. None: no condition."""

    owner: str | None
    states: tuple[State, ...] = ()
    notebook: str | None = None
    tag: str | None = None
    name: str | None = None
    before: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimOrder:
    """An executor's wish for work. `may_claim` says for each distinct need among the queued whether it can serve it."""

    executor: str
    instance: str
    request_id: str
    max_jobs: int
    lease_s: float
    may_claim: Callable[[Needs], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldJob:
    """A job and the claim that holds it."""

    job_id: str
    owner: str
    claim_id: str
    attempt: int
    executor: str
    instance: str
    spec: JobSpec
    created_at: float
    claimed_at: float
    owner_class: str  # now; of a removed account the default one


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the executor of this name tells of a job; `when_cancelled` is for a job that was to be cancelled."""

    executor: str
    report: Report
    when_cancelled: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """What became of the leases an executor asked to extend."""

    cancel: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorRow:
    name: str
    info: ExecutorInfo
    last_seen_at: float


class Store(ABC):
    @abstractmethod
    async def close(self) -> None:
        """Finishes what was asked before; nothing may be asked afterwards."""

    # --------------------------------------------------------------------------------------------------- accounts

    @abstractmethod
    async def add_account(self, account: Account, token_sha256: str) -> None:
        """A new account. Raises Conflict when the name is taken."""

    @abstractmethod
    async def rotate_token(self, name: str, *, executor: bool, token_sha256: str) -> None:
        """From now on only the new token is known. Raises NotFound."""

    @abstractmethod
    async def set_class(self, name: str, user_class: str) -> None:
        """Puts a user or administrator into a class. Raises NotFound."""

    @abstractmethod
    async def remove_account(self, name: str, *, executor: bool) -> None:
        """Forgets the account, and the processes of an executor; its jobs stay. Raises NotFound."""

    @abstractmethod
    async def accounts(self) -> list[Account]:
        """All accounts, by name."""

    @abstractmethod
    async def account_of(self, token_sha256: str) -> Account | None:
        """Whose token this is."""

    # ------------------------------------------------------------------------------------------------------- jobs

    @abstractmethod
    async def submit(self, submissions: Sequence[Submission], now: float) -> list[Job | TelerunError]:
        """Queues jobs, in order, or finds those with the same owner and key.

        In the place of what is refused, and changes nothing, stands MissingBlobs naming the files that the owner has
        not uploaded, InvalidMessage for a wrong size, or TooManyRequests when the owner has `queued_at_most` jobs
        waiting.
        """

    @abstractmethod
    async def job(self, ref: str) -> Job | None:
        """By id or number, with its position in the queue while it waits."""

    @abstractmethod
    async def jobs(self, wanted: JobFilter) -> list[Job]:
        """Newest first, at most `wanted.limit`, each with its position in the queue while it waits."""

    @abstractmethod
    async def cancel(self, job_id: str, result: Result, now: float) -> Change | None:
        """A queued job ends with `result`; a held one is marked. None: it had ended, or was marked already."""

    @abstractmethod
    async def claim(self, order: ClaimOrder, now: float) -> list[HeldJob]:
        """Leases jobs to an executor: of the least recently served user first, never served ones before all, then
        the oldest. What an earlier call with the same `request_id` leased and is still held comes again instead.
        """

    @abstractmethod
    async def extend(self, instance: str, claim_ids: Sequence[str], lease_s: float, now: float) -> Leases:
        """Extends the leases that this instance still holds, and notes that it was seen."""

    @abstractmethod
    async def report(self, told: Sequence[Told], max_attempts: int, now: float) -> list[Change | TelerunError | None]:
        """Notes what an executor tells of the jobs it holds, in order; for each the change, or None where it was known.

        It has happened `ago_s` before `now`, but not before what happened to the job last.
        The phase RUN makes a job RUNNING. A result ends it, unless its reason is ours and attempts remain: then it is
        queued again. What is given back is queued again, and the attempt does not count. A job whose cancelling was
        asked ends with `when_cancelled`. In the place of what is refused, and changes nothing, stands StaleClaim, or
        MissingBlobs for artifacts that were not uploaded for this job.
        """

    @abstractmethod
    async def lose_expired(self, max_attempts: int, now: float) -> list[Change]:
        """Takes every job whose lease has run out from its executor: queued again while attempts remain, CANCELLED
        where that was asked, else FAILED with executor_lost.
        """

    @abstractmethod
    async def extend_all(self, until: float) -> list[HeldJob]:
        """Gives every held job a new lease, after the server was away; returns them."""

    # -------------------------------------------------------------------------------------------------- executors

    @abstractmethod
    async def register(self, name: str, info: ExecutorInfo, max_attempts: int, now: float) -> list[Change]:
        """Notes an executor process; what the one it replaces still held is lost at once, as in `lose_expired`."""

    @abstractmethod
    async def executors(self) -> list[ExecutorRow]:
        """Every process that registered and was not replaced or forgotten."""

    @abstractmethod
    async def held_by(self, instances: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        """Id and owner of the jobs that each of these instances holds."""

    # ------------------------------------------------------------------------------------------------ events, blobs

    @abstractmethod
    async def events(self, owner: str, after: int, limit: int) -> list[Event]:
        """The owner's events with ids above `after`, in order."""

    @abstractmethod
    async def last_event_id(self) -> int:
        """The highest id given so far, 0 before the first."""

    @abstractmethod
    async def add_blob(
        self, sha256: str, size_bytes: int, *, owner: str | None, job_id: str | None, now: float
    ) -> None:
        """Notes a stored blob as uploaded by a user, or by an executor for a job."""

    @abstractmethod
    async def blob_size(self, sha256: str, *, owner: str | None, job_id: str | None) -> int | None:
        """Its size if the user uploaded it or has a job with it, or if it belongs to the given job; else None."""

    # ------------------------------------------------------------------------------------------------ housekeeping

    @abstractmethod
    async def purge_jobs(self, finished_before: float, limit: int) -> list[str]:
        """Removes up to `limit` jobs that ended before, with their events; returns their ids."""

    @abstractmethod
    async def purge_blobs(self, uploaded_before: float, limit: int) -> list[str]:
        """Removes up to `limit` blobs that no job names; returns their sha256."""

    @abstractmethod
    async def purge_rest(self, *, events_before: float, seen_before: float) -> None:
        """Removes old events, and executors not seen for long that hold nothing."""

    @abstractmethod
    async def has_unfinished(self) -> bool:
        """Whether any job has not ended."""

    @abstractmethod
    async def queued(self) -> int:
        """How many jobs are queued."""

    @abstractmethod
    async def counts(self) -> dict[State, int]:
        """How many jobs are in each state."""
