"""What the server tells about itself."""

from __future__ import annotations

from importlib import metadata
from typing import ClassVar

from telerun_protocol import PROTOCOL_VERSION
from telerun_protocol.messages import Version
from telerun_server.handlers.base import EVERYBODY, Handler

LOOPBACK = frozenset({"127.0.0.1", "::1"})
FEATURES = ("blobs", "claims", "events", "log-follow", "log-text")


class VersionHandler(Handler):
    open_to_all = True

    def get(self) -> None:
        self.answer(Version(protocol=PROTOCOL_VERSION, version=metadata.version("telerun-magic"), features=FEATURES))


class MeHandler(Handler):
    allowed: ClassVar = {"GET": EVERYBODY}

    def get(self) -> None:
        self.answer(self.principal)


class LimitsHandler(Handler):
    allowed: ClassVar = {"GET": EVERYBODY}

    def get(self) -> None:
        self.answer(self.parts.config.service_limits)


class HealthHandler(Handler):
    open_to_all = True

    async def get(self) -> None:
        await self.parts.store.last_event_id()  # the database answers
        self.answer({"status": "ok"})


class MetricsHandler(Handler):
    """For a Prometheus on the same machine, or with an administrator's token."""

    allowed: ClassVar = {"GET": frozenset({"admin"})}

    @property
    def open_to_all(self) -> bool:  # type: ignore[override]
        return self.request.remote_ip in LOOPBACK and "X-Forwarded-For" not in self.request.headers

    async def get(self) -> None:
        metrics = self.parts.metrics
        for state, count in (await self.parts.store.counts()).items():
            metrics.jobs.labels(state.value).set(count)
        for kind in ("claims", "heartbeat", "events", "log"):
            metrics.waiting.labels(kind).set(self.parts.wakeups.listeners(kind))
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(metrics.text())
