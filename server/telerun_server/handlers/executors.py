"""What executors do, and how users see them."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from telerun_protocol.messages import ClaimRequest, ExecutorInfo, Finish, HeartbeatRequest, PhaseReport, Release
from telerun_server.handlers.base import EVERYBODY, EXECUTORS, Handler

_info = msgspec.json.Decoder(ExecutorInfo)
_claim = msgspec.json.Decoder(ClaimRequest)
_heartbeat = msgspec.json.Decoder(HeartbeatRequest)
_phase = msgspec.json.Decoder(PhaseReport)
_finish = msgspec.json.Decoder(Finish)
_release = msgspec.json.Decoder(Release)


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


class PhaseHandler(Handler):
    allowed: ClassVar = {"POST": EXECUTORS}

    async def post(self, ref: str) -> None:
        queue = self.parts.queue
        await queue.phase(self.principal.name, await queue.job_id(ref), self.message(_phase))
        self.done()


class FinishHandler(Handler):
    allowed: ClassVar = {"POST": EXECUTORS}

    async def post(self, ref: str) -> None:
        queue = self.parts.queue
        await queue.finish(await queue.job_id(ref), self.message(_finish))
        self.done()


class ReleaseHandler(Handler):
    allowed: ClassVar = {"POST": EXECUTORS}

    async def post(self, ref: str) -> None:
        queue = self.parts.queue
        await queue.release(await queue.job_id(ref), self.message(_release))
        self.done()
