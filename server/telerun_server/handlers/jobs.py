"""What users do with jobs."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from telerun_protocol.codec import problem_of
from telerun_protocol.errors import Forbidden, InvalidMessage, TelerunError
from telerun_protocol.messages import Job, Submit, SubmitAnswers, Submits, Submitted
from telerun_protocol.states import State
from telerun_server.handlers.base import USERS, Handler
from telerun_server.store.base import JobFilter

MOST_LISTED = 1000
_submit = msgspec.json.Decoder(Submit)
_submits = msgspec.json.Decoder(Submits)


class JobsHandler(Handler):
    allowed: ClassVar = {"GET": USERS, "POST": USERS}

    async def post(self) -> None:
        (answer,) = await self.parts.queue.submit(self.principal, (self.message(_submit),))
        if isinstance(answer, TelerunError):
            raise answer
        self.answer(answer)

    async def get(self) -> None:
        self.answer(await self.parts.queue.jobs(self._filter()))

    def _filter(self) -> JobFilter:
        owner = self.get_query_argument("owner", self.principal.name)
        if owner != self.principal.name and self.principal.kind != "admin":
            raise Forbidden("Only administrators list the jobs of others.")
        states = self.get_query_argument("state", "")
        try:
            wanted = tuple(State(state) for state in states.split(",") if state)
        except ValueError as error:
            raise InvalidMessage(f"state: {error}.", path="state", hint=f"One of {', '.join(State)}.") from None
        return JobFilter(
            owner=None if owner == "*" else owner,
            states=wanted,
            notebook=self.get_query_argument("notebook", None),
            tag=self.get_query_argument("tag", None),
            name=self.get_query_argument("name", None),
            before=self.number("before", 0) or None,
            limit=min(max(1, self.number("limit", 100)), MOST_LISTED),
        )


class BatchHandler(Handler):
    allowed: ClassVar = {"POST": USERS}

    async def post(self) -> None:
        answers = await self.parts.queue.submit(self.principal, self.message(_submits).submits)
        self.answer(SubmitAnswers(answers=tuple(map(_submitted, answers))))


def _submitted(answer: Job | TelerunError) -> Submitted:
    return Submitted(job=answer) if isinstance(answer, Job) else Submitted(problem=problem_of(answer))


class JobHandler(Handler):
    allowed: ClassVar = {"GET": USERS}

    async def get(self, ref: str) -> None:
        self.answer(await self.parts.queue.job(self.principal, ref))


class CancelHandler(Handler):
    allowed: ClassVar = {"POST": USERS}

    async def post(self, ref: str) -> None:
        self.answer(await self.parts.queue.cancel(self.principal, ref))
