"""Where things stand between the front end, this extension and the queue."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct

from telerun_labextension.problems import problem
from telerun_labextension.upstream import VERSION, Upstream
from telerun_protocol import PROTOCOL_VERSION, routes
from telerun_protocol.client import Client
from telerun_protocol.codec import decode
from telerun_protocol.errors import NotConfigured, ServerUnreachable, TelerunError
from telerun_protocol.messages import Principal, Problem, Version

T = TypeVar("T")


class Versions(Struct, frozen=True, kw_only=True):
    server_extension: str = VERSION
    front_end: str | None = None
    queue: str | None = None


class Status(Struct, frozen=True, kw_only=True):
    """`problem` says why something does not work; `notices` what a person should know, a sentence each."""

    configured: bool = True
    url: str | None = None
    reachable: bool = False
    user: str | None = None
    problem: Problem | None = None
    versions: Versions
    notices: tuple[str, ...] = ()


async def status(upstream: Upstream, front_end: str | None) -> Status:
    """Raises nothing of Telerun's: a server that is not there is a state like another."""
    notices = []
    if front_end and front_end != VERSION:
        notices.append(
            f"The panel in this page is Telerun {front_end}, the Jupyter server has {VERSION}. "
            "Reload the page; if that changes nothing, restart the Jupyter server."
        )
    versions, client, answered = Versions(front_end=front_end), None, False
    try:
        client = await upstream.client()
        queue = await _ask(client, routes.VERSION, Version)
        answered = True
        versions = Versions(front_end=front_end, queue=queue.version)
        if queue.protocol != PROTOCOL_VERSION:
            notices.append(
                f"The server {client.url} (Telerun {queue.version}) speaks protocol {queue.protocol}, "
                f"Telerun {VERSION} here speaks {PROTOCOL_VERSION}. Update the older of the two."
            )
        user = (await _ask(client, routes.ME, Principal)).name
    except TelerunError as error:
        return Status(
            configured=not isinstance(error, NotConfigured),
            url=client.url if client else None,
            reachable=answered and not isinstance(error, ServerUnreachable),
            problem=problem(error),
            versions=versions,
            notices=tuple(notices),
        )
    return Status(url=client.url, reachable=True, user=user, versions=versions, notices=tuple(notices))


async def _ask(client: Client, path: str, type_: type[T]) -> T:
    """Once: a person waits, and the front end asks again."""
    async with await client.open("GET", path) as response:
        return decode(await response.read(), type_)
