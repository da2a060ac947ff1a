"""The configuration files of the clients before Telerun: who one is, and at which server.

`auth.json` {username, token} · `connection.json` {domain, port, cert} · `~/.telerun.json` {username, token, url, cert}
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from telerun_magic import config
from telerun_protocol.codec import decode
from telerun_protocol.errors import InvalidMessage


class _OldFile(msgspec.Struct, frozen=True, kw_only=True):
    """What any of the three may hold."""

    username: str | None = None
    token: str | None = None
    url: str | None = None
    domain: str | None = None
    port: int = 443
    cert: str | None = None


@dataclass(frozen=True, kw_only=True)
class OldAccount:
    """`certificate` is the server's own, in PEM, where the old client was told to trust that one."""

    token: str
    user: str | None = None
    url: str | None = None
    certificate: str | None = None


def read(path: Path) -> OldAccount:
    """The account in an old file; what `auth.json` lacks is looked for in the `connection.json` beside it."""
    found, beside = _read(path), path.parent / "connection.json"
    place = _read(beside) if beside.is_file() and not (found.url or found.domain) else found
    if found.token is None:
        raise InvalidMessage(
            f"{path} holds no token.", hint="The old clients keep theirs in auth.json or .telerun.json."
        )
    url = place.url or (f"https://{place.domain}:{place.port}" if place.domain else None)
    return OldAccount(
        token=found.token,
        user=found.username,
        url=config.server_url(url) if url else None,
        certificate=place.cert or found.cert,
    )


def _read(path: Path) -> _OldFile:
    try:
        return decode(config.read_text(path), _OldFile)
    except InvalidMessage as error:
        if error.path is None and str(path) in error.message:
            raise
        raise InvalidMessage(f"{path} is not a file of an old client: {error.message}") from error
