"""What executors do, and how users see them."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from telerun_protocol.codec import problem_of
from telerun_protocol.messages import ClaimRequest, ExecutorInfo, HeartbeatRequest, ReportAnswers, Reports
from telerun_server.handlers.base import EVERYBODY, EXECUTORS, Handler

_info = msgspec.json.Decoder(ExecutorInfo)
_claim = msgspec.json.Decoder(ClaimRequest)
_heartbeat = msgspec.json.Decoder(HeartbeatRequest)
_reports = msgspec.json.Decoder(Reports)


class ExecutorsHandler(Handler):
    allowed: ClassVar = {"GET": EVERYBODY}

    async def get(self) -> None:
        history = self.get_query_argument("history", "false") == "true"
        self.answer(await self.parts.queue.executors(self.principal, history=history))


class RegisterHandler(Handler):
    allowed: ClassVar = {"POST": EXECUTORS}

    async def post(self) -> None:
        self.answer(await self.parts.queue.register(self.principal.name, self.message(_info)))


class ClaimsHandler(Handler):
    allowed: ClassVar = {"POST": EXECUTORS}
    waits = True

    async def post(self) -> None:
        self.answer(await self.parts.queue.claim(self.principal.name, self.message(_claim), self.waiter))


class HeartbeatHandler(Handler):
    allowed: ClassVar = {"POST": EXECUTORS}
    waits = True

    async def post(self) -> None:
        self.answer(await self.parts.queue.heartbeat(self.principal.name, self.message(_heartbeat), self.waiter))


class ReportsHandler(Handler):
    allowed: ClassVar = {"POST": EXECUTORS}

    async def post(self) -> None:
        refusals = await self.parts.queue.report(self.principal.name, self.message(_reports).reports)
        self.answer(ReportAnswers(problems=tuple(problem_of(error) if error else None for error in refusals)))
