"""Where things stand between the front end, this extension and the queue."""

from __future__ import annotations

from msgspec import Struct

from telerun_labextension.problems import problem
from telerun_labextension.upstream import VERSION, Upstream
from telerun_protocol import PROTOCOL_VERSION
from telerun_protocol.errors import NotConfigured, ServerUnreachable, TelerunError
from telerun_protocol.messages import Problem


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
    if upstream.chosen:
        notices.append(f"The panel's settings choose {upstream.chosen}; cells use the server of `telerun login`.")
    client = queue = user = trouble = None
    try:
        client = await upstream.client()
        queue = await client.version()
        user = (await client.me()).name
    except TelerunError as error:
        trouble = error
    if client and queue and queue.protocol != PROTOCOL_VERSION:
        notices.append(
            f"The server {client.url} (Telerun {queue.version}) speaks protocol {queue.protocol}, "
            f"Telerun {VERSION} here speaks {PROTOCOL_VERSION}. Update the older of the two."
        )
    return Status(
        configured=not isinstance(trouble, NotConfigured),
        url=client.url if client else None,
        reachable=queue is not None and not isinstance(trouble, ServerUnreachable),
        user=user,
        problem=problem(trouble) if trouble else None,
        versions=Versions(front_end=front_end, queue=queue.version if queue else None),
        notices=tuple(notices),
    )
