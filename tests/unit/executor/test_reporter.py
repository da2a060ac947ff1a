"""How reports share requests, against a server that takes its time and refuses on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from telerun_executor.reporter import Reporter
from telerun_protocol.client import Client
from telerun_protocol.codec import decode, encode, problem_of
from telerun_protocol.errors import StaleClaim, TelerunError, TooLarge
from telerun_protocol.messages import MOST_AT_ONCE, Claim, JobSpec, Report, ReportAnswers, Reports, Result
from telerun_protocol.states import Language, Phase, State

SPEC = JobSpec(language=Language.COMMAND, args=("true",))
SUCCESS = Result(state=State.SUCCEEDED)


def claim(number: int) -> Claim:
    return Claim(job_id=f"j{number}", claim_id=f"c{number}", attempt=1, log_offset=0, spec=SPEC, owner="ada")


class FarSide:
    """What a server heard. `refuse` says of a whole request, or of one report, how it is refused."""

    def __init__(self) -> None:
        self.requests: list[list[Report]] = []
        self.arrived = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.refuse_all: Callable[[list[Report]], TelerunError | None] = lambda reports: None
        self.refuse: Callable[[Report], TelerunError | None] = lambda report: None

    async def handle(self, request: web.Request) -> web.Response:
        reports = list(decode(await request.read(), Reports).reports)
        self.requests.append(reports)
        self.arrived.set()
        await self.may_answer.wait()
        if refused := self.refuse_all(reports):
            return web.Response(status=refused.status, body=encode(problem_of(refused)))
        refusals = [self.refuse(report) for report in reports]
        answers = ReportAnswers(problems=tuple(error and problem_of(error) for error in refusals))
        return web.Response(body=encode(answers))

    @property
    def jobs(self) -> list[list[str]]:
        return [[report.job_id for report in reports] for reports in self.requests]


@pytest.fixture
def far() -> FarSide:
    return FarSide()


@asynccontextmanager
async def reporting(far: FarSide) -> AsyncIterator[Reporter]:
    app = web.Application()
    app.router.add_post("/{path:.*}", far.handle)
    async with TestServer(app) as server, Client(str(server.make_url("")), retry_s=1) as client:
        reporter = Reporter(client)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(reporter.run())
            try:
                yield reporter
            finally:
                running.cancel()


async def test_the_first_goes_at_once_and_the_rest_together(far: FarSide) -> None:
    far.may_answer.clear()
    async with reporting(far) as reporter:
        first = reporter.phase(claim(1), Phase.RUN)
        await far.arrived.wait()
        rest = [reporter.phase(claim(number), Phase.RUN) for number in (2, 3, 4)]
        rest += [reporter.finish(claim(1), SUCCESS), reporter.release(claim(2))]
        await asyncio.sleep(0.02)
        far.may_answer.set()
        await asyncio.gather(first, *rest)
    assert far.jobs == [["j1"], ["j2", "j3", "j4", "j1", "j2"]]
    assert [bool(report.result) for report in far.requests[1]] == [False] * 3 + [True, False]
    assert far.requests[1][4].release
    assert all(report.ago_s >= 0.02 for report in far.requests[1])


async def test_requests_are_bounded(far: FarSide) -> None:
    async with reporting(far) as reporter:
        await asyncio.gather(*(reporter.finish(claim(number), SUCCESS) for number in range(2 * MOST_AT_ONCE + 5)))
    assert [len(jobs) for jobs in far.jobs] == [MOST_AT_ONCE, MOST_AT_ONCE, 5]


async def test_each_hears_its_own_refusal(far: FarSide) -> None:
    far.refuse = lambda report: StaleClaim() if report.job_id == "j2" else None
    async with reporting(far) as reporter:
        answers = await asyncio.gather(
            *(reporter.finish(claim(number), SUCCESS) for number in (1, 2, 3)), return_exceptions=True
        )
    assert [type(answer) for answer in answers] == [type(None), StaleClaim, type(None)]


async def test_one_that_spoils_the_request_is_told_apart(far: FarSide) -> None:
    far.refuse_all = lambda reports: TooLarge() if any(report.job_id == "j2" for report in reports) else None
    async with reporting(far) as reporter:
        answers = await asyncio.gather(
            *(reporter.finish(claim(number), SUCCESS) for number in (1, 2, 3)), return_exceptions=True
        )
    assert [type(answer) for answer in answers] == [type(None), TooLarge, type(None)]
    assert far.jobs == [["j1", "j2", "j3"], ["j1"], ["j2"], ["j3"]]


async def test_what_cannot_be_written_as_json_harms_nobody_else(far: FarSide) -> None:
    bad = Result(state=State.SUCCEEDED, notes=("a name \udcff that is no UTF-8",))
    async with reporting(far) as reporter:
        answers = await asyncio.gather(
            reporter.finish(claim(1), SUCCESS), reporter.finish(claim(2), bad), return_exceptions=True
        )
        await reporter.finish(claim(3), SUCCESS)
    assert [type(answer) for answer in answers] == [type(None), UnicodeEncodeError]
    assert far.jobs == [["j1"], ["j3"]]


async def test_what_nobody_waits_for_any_more_is_not_sent(far: FarSide) -> None:
    far.may_answer.clear()
    async with reporting(far) as reporter:
        first = asyncio.ensure_future(reporter.finish(claim(1), SUCCESS))
        await far.arrived.wait()
        dropped = asyncio.ensure_future(reporter.finish(claim(2), SUCCESS))
        last = asyncio.ensure_future(reporter.finish(claim(3), SUCCESS))
        dropped.cancel()
        first.cancel()
        far.may_answer.set()
        await last
    assert far.jobs == [["j1"], ["j3"]]
