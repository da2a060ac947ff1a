"""Which handler answers which address."""

from __future__ import annotations

from tornado.web import Application, RequestHandler

from telerun_protocol import routes
from telerun_server.handlers.about import (
    HealthHandler,
    LimitsHandler,
    MeHandler,
    MetricsHandler,
    VersionHandler,
)
from telerun_server.handlers.base import UnknownRoute, log_request
from telerun_server.handlers.blobs import BlobHandler, FileHandler
from telerun_server.handlers.events import EventsHandler
from telerun_server.handlers.executors import (
    ClaimsHandler,
    ExecutorsHandler,
    HeartbeatHandler,
    RegisterHandler,
    ReportsHandler,
)
from telerun_server.handlers.jobs import BatchHandler, CancelHandler, JobHandler, JobsHandler
from telerun_server.handlers.log import LogHandler
from telerun_server.handlers.parts import Parts

# In the order in which they are tried: those asked for most come first.
ROUTES: tuple[tuple[str, type[RequestHandler]], ...] = (
    (routes.JOBS, JobsHandler),
    (routes.CLAIMS, ClaimsHandler),
    (routes.REPORTS, ReportsHandler),
    (routes.LOG, LogHandler),
    (routes.BATCH, BatchHandler),
    (routes.JOB, JobHandler),
    (routes.HEARTBEAT, HeartbeatHandler),
    (routes.BLOB, BlobHandler),
    (routes.FILE, FileHandler),
    (routes.EVENTS, EventsHandler),
    (routes.CANCEL, CancelHandler),
    (routes.REGISTER, RegisterHandler),
    (routes.EXECUTORS, ExecutorsHandler),
    (routes.VERSION, VersionHandler),
    (routes.ME, MeHandler),
    (routes.LIMITS, LimitsHandler),
    (routes.HEALTH, HealthHandler),
    (routes.METRICS, MetricsHandler),
)


def application(parts: Parts) -> Application:
    arguments = {"parts": parts}
    return Application(
        [(routes.pattern(route), handler, arguments) for route, handler in ROUTES],
        default_handler_class=UnknownRoute,
        default_handler_args=arguments,
        log_function=log_request,
    )
