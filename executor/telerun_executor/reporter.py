"""Tells the server what becomes of the jobs of this executor: one request at a time, for all jobs together.

The first report goes at once. What comes while it is on its way goes together in the next, in the order in which it
came, so a busy executor costs its server few requests and an idle one waits for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

import msgspec

from telerun_protocol.client import Client
from telerun_protocol.errors import ServerUnreachable, TelerunError
from telerun_protocol.messages import MOST_AT_ONCE, Claim, Report, Result, Usage
from telerun_protocol.states import Phase

Told = tuple[Report, asyncio.Future[None], float]
"""With when it was told, by the loop's clock."""


class Reporter:
    """`run` sends; the rest take what is to be told.

    What they return is done when the server has stored the report, and raises its refusal: StaleClaim, MissingBlobs …
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: asyncio.Queue[Told] = asyncio.Queue()

    def phase(self, claim: Claim, phase: Phase) -> Awaitable[None]:
        return self._tell(Report(job_id=claim.job_id, claim_id=claim.claim_id, phase=phase))

    def usage(self, claim: Claim, usage: Usage) -> Awaitable[None]:
        return self._tell(Report(job_id=claim.job_id, claim_id=claim.claim_id, usage=usage))

    def finish(self, claim: Claim, result: Result) -> Awaitable[None]:
        return self._tell(Report(job_id=claim.job_id, claim_id=claim.claim_id, result=result))

    def release(self, claim: Claim) -> Awaitable[None]:
        return self._tell(Report(job_id=claim.job_id, claim_id=claim.claim_id, release=True))

    def _tell(self, report: Report) -> Awaitable[None]:
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        self._waiting.put_nowait((report, stored, loop.time()))
        return stored

    async def run(self) -> None:
        """Sends for ever. What waits when this is cancelled is not told."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < MOST_AT_ONCE and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await self._send([told for told in batch if not told[1].done()])  # the others' jobs were broken off

    async def _send(self, batch: Sequence[Told]) -> None:
        if not batch:
            return
        try:
            now = asyncio.get_running_loop().time()
            reports = [msgspec.structs.replace(report, ago_s=now - told_at) for report, _, told_at in batch]
            answers = await self._client.report(reports)
        except (TelerunError, ValueError) as error:  # ValueError: a name that is no UTF-8 cannot be written as JSON
            if len(batch) > 1 and not isinstance(error, ServerUnreachable):  # one of them is at fault
                for told in batch:
                    await self._send([told])
            else:
                for _, stored, _ in batch:
                    _answer(stored, error)
        else:
            for (_, stored, _), refused in zip(batch, answers, strict=True):
                _answer(stored, refused)


def _answer(stored: asyncio.Future[None], refused: Exception | None) -> None:
    if stored.done():  # whoever told it waits no more
        return
    if refused:
        stored.set_exception(refused)
        stored.exception()  # heard: nobody need wait for it
    else:
        stored.set_result(None)
