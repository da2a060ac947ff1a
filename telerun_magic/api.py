"""What a program calls: submit, map, job, jobs."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, overload

from telerun_magic import io_thread, session, submission
from telerun_magic.job_handle import Job, JobResult
from telerun_magic.language import closest
from telerun_magic.session import Session
from telerun_magic.submission import Source, Submission
from telerun_protocol import messages
from telerun_protocol.errors import InvalidMessage, JobFailed, TelerunError
from telerun_protocol.states import Language

_BUILD = inspect.signature(submission.build).parameters
WORDS = tuple(name for name, parameter in _BUILD.items() if parameter.kind is parameter.KEYWORD_ONLY)
FILTERS = ("state", "notebook", "tag", "name", "owner", "before")
LAST_ANSWER_S = 2.0  # for a request that is on its way when the person interrupts


def submit(source: Source, language: str | Language | None = None, *, wait: bool = False, **words: Any) -> Job:
    """Queues a job and returns it; with `wait`, once it has ended.

    `source` is a text, or a Path of a file, tar or folder (for "command": the argv). `language` is one of cu, cpp, c,
    py, sh, project, command; without it the content or the file's name decides. The other words are those of
    `telerun_magic.submission.build`: args, stdin, files, inputs, flags, std, libraries, archs, asm, run, env, time,
    memory, limits, gpus, device, labels, emulate, checks, network, wait_for_executor, name, tags, compiler.
    """
    _check(words, WORDS)
    job = send(submission.build(source, language, **words))
    return job.wait() if wait else job


def map(  # noqa: A001 - it is called as telerun_magic.map
    source: Source, args_list: Iterable[object], language: str | Language | None = None, **words: Any
) -> Jobs:
    """Queues one job for each element of `args_list`: a sequence of program arguments, or one argument.

    The other words are those of `submit`, but for args.
    """
    _check(words, [word for word in WORDS if word != "args"])
    if not isinstance(args_list, Iterable):
        raise InvalidMessage(
            f"The rows of arguments cannot be {args_list!r}.", hint="Give a list with one for each job."
        )
    rows = [row if isinstance(row, Sequence) and not isinstance(row, str | bytes) else [row] for row in args_list]
    built = [submission.build(source, language, args=row, **words) for row in rows]
    for notice in built[0].notices if built else ():
        print(notice)  # noqa: T201 - a person should know
    current = session.connected()
    return Jobs(session.ask(current, _send_all(current, built)))


def job(id_or_number: str | int) -> Job:
    """One of your jobs, whichever kernel or machine it was submitted from."""
    current = session.connected()
    return Job(session.ask(current, current.find(str(id_or_number))))


def jobs(limit: int = 20, **filters: object) -> Jobs:
    """Your newest jobs, at most `limit`. Filters: state, notebook, tag, name; administrators also have owner."""
    _check(filters, FILTERS)
    if not isinstance(limit, int):
        raise InvalidMessage(f"limit cannot be {limit!r}.", hint="It is a number of jobs.")
    given = {name: str(value) for name, value in filters.items() if value is not None}
    current = session.connected()
    return Jobs(session.ask(current, _listed(current, limit, given)))


class Jobs(Sequence[Job]):
    """Several jobs."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = tuple(jobs)

    @overload
    def __getitem__(self, index: int) -> Job: ...

    @overload
    def __getitem__(self, index: slice) -> Jobs: ...

    def __getitem__(self, index: int | slice) -> Job | Jobs:
        return Jobs(self._jobs[index]) if isinstance(index, slice) else self._jobs[index]

    def __len__(self) -> int:
        return len(self._jobs)

    def __repr__(self) -> str:
        return f"<Jobs {', '.join(f'{job.number} {job.state}' for job in self)}>"

    def wait(self, timeout: float | None = None) -> Jobs:
        """Blocks until all have ended; raises TimeoutError after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for job in self:
            job.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return self

    def results(self, timeout: float | None = None, *, return_errors: bool = False) -> list[Any]:
        """Their results, in order; the first failure is raised, or stands in its place with `return_errors`."""
        self.wait(timeout)
        return [_result_or_error(job) if return_errors else job.result() for job in self]

    def cancel(self) -> None:
        """Asks for the end of all of them."""
        for job in self:
            job.cancel()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from telerun_magic import show  # noqa: PLC0415 - rendering is not needed to run jobs

        return show.list_bundle([job.info for job in self])


def _check(given: Iterable[str], known: Sequence[str]) -> None:
    """Raises InvalidMessage for a word that is none: a person is to see what was meant, not our calls."""
    for word in given:
        if word not in known:
            guess = closest(word, known)
            hint = f"Did you mean {guess}?" if guess else f"There are {', '.join(known)}."
            raise InvalidMessage(f"There is no word {word!r} here.", hint=hint)


def send(submission: Submission, tell: Callable[[str], None] = print, *, line_offset: int = 0) -> Job:
    """Uploads what the server does not have, queues the job and gives it. `tell` hears what a person should know.

    An interrupt leaves no job behind: if the request has got through already, the job is cancelled.
    """
    for notice in submission.notices:
        tell(notice)
    sending: Future[Job] | None = None
    try:
        current = session.connected(tell)
        sending = io_thread.start(_send(current, submission, line_offset))
        return session.wait(current, sending, tell)
    except KeyboardInterrupt:
        if sending:
            with suppress(TimeoutError, CancelledError, TelerunError):
                io_thread.wait(sending, LAST_ANSWER_S).cancel()
            sending.cancel()
        raise


async def _send(current: Session, submission: Submission, line_offset: int = 0) -> Job:
    info = await current.client.submit_with(submission.spec, submission.contents)
    return _sent(current, submission, info, line_offset)


async def _send_all(current: Session, built: list[Submission]) -> list[Job]:
    contents = {sha256: content for submission in built for sha256, content in submission.contents.items()}
    infos = await current.client.submit_many_with([submission.spec for submission in built], contents)
    return [_sent(current, submission, info) for submission, info in zip(built, infos, strict=True)]


def _sent(current: Session, submission: Submission, info: messages.Job, line_offset: int = 0) -> Job:
    feed = current.watch(info)
    feed.clock_ahead_s = info.created_at - time.time()
    return Job(feed, source=submission.source, line_offset=line_offset)


async def _listed(current: Session, limit: int, filters: dict[str, str]) -> list[Job]:
    found: list[Job] = []
    page = dict(filters)
    while len(found) < limit:
        listed = await current.client.jobs(**page, limit=str(limit - len(found)))
        found += [Job(current.watch(info)) for info in listed.jobs]
        if listed.next_before is None:
            break
        page["before"] = str(listed.next_before)
    return found


def _result_or_error(job: Job) -> JobResult | JobFailed:
    try:
        return job.result()
    except JobFailed as error:
        return error


def _spelled_out() -> inspect.Signature:
    """The signature of `submit` with all its words, for Shift+Tab."""
    own = inspect.signature(submit).parameters
    shown = [p for p in own.values() if p.kind is not p.VAR_KEYWORD] + [_BUILD[name] for name in WORDS]
    return inspect.Signature(shown, return_annotation=Job)


submit.__signature__ = _spelled_out()  # type: ignore[attr-defined]
