"""Which server to speak to, and as whom: flag, `TELERUN_*`, `config.toml`, or else the user's own local server."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from telerun_magic import config
from telerun_magic.local import local_server
from telerun_protocol.errors import InvalidMessage, NotConfigured
from telerun_protocol.units import show_duration


@dataclass(frozen=True, kw_only=True)
class Connection:
    """What a Client needs. `token()` reads the file anew, so a rotated token is picked up.

    `started` is one line to tell the user when a local server was just started.
    """

    url: str
    token: Callable[[], str]
    ca_file: Path | None = None
    started: str | None = None


def connection(
    *, start: bool = True, url: str | None = None, token_file: Path | None = None, ca_file: Path | None = None
) -> Connection:
    """The server in force. `start`: start the user's own local server where nothing else is known.

    Blocks while a local server starts (a second or two). Raises NotConfigured, or InvalidMessage for a bad setting.
    """
    env_url = os.environ.get("TELERUN_URL") or None
    saved = config.load()
    chosen = url or env_url or saved.url
    if chosen is None:
        if token_file or ca_file:
            raise NotConfigured("A token or CA file is given, but no server.", hint="Say which: --server URL.")
        return _local(start)
    chosen = config.server_url(chosen)
    if token_file is None and _applies(env_url, chosen):
        token_file = _env_path("TELERUN_TOKEN_FILE")
    if ca_file is None and _applies(env_url, chosen):
        ca_file = _env_path("TELERUN_CA_FILE")
    if ca_file is None and saved.ca_file and _applies(saved.url, chosen):
        ca_file = Path(saved.ca_file).expanduser()
    if ca_file and not ca_file.is_file():
        raise InvalidMessage(f"The CA file {ca_file} does not exist.")
    token = _from_file(token_file) if token_file else _from_credentials(chosen)
    token()  # a missing one is said now, not in the middle of something
    return Connection(url=chosen, token=token, ca_file=ca_file)


def _applies(setting_url: str | None, chosen: str) -> bool:
    """A token goes only to the server it was set for; one set without a server goes to whichever is in force."""
    return setting_url is None or config.server_url(setting_url) == chosen


def _env_path(name: str) -> Path | None:
    return Path(os.environ[name]).expanduser() if os.environ.get(name) else None


def _from_file(path: Path) -> Callable[[], str]:
    def token() -> str:
        text = config.read_text(path)
        try:
            return config.check_token(text)
        except InvalidMessage:
            raise InvalidMessage(f"{path} does not hold a token.", hint="It holds one word and nothing else.") from None

    return token


def _from_credentials(url: str) -> Callable[[], str]:
    def token() -> str:
        found = config.credentials().get(url)
        if found is None:
            raise NotConfigured(f"No token is known for {url}.", hint=f"Log in: telerun login {url}")
        return found.token

    return token


def _local(start: bool) -> Connection:
    running = local_server.running()
    started = None
    if running is None:
        if not start:
            raise NotConfigured(hint="Start your own with `telerun up`, or `telerun login URL`.")
        if missing := local_server.missing():
            raise NotConfigured(
                f"No Telerun server is configured, and one of your own needs more packages ({', '.join(missing)}).",
                hint="Run pip install 'telerun-magic[all]', or telerun login URL for a server elsewhere.",
            )
        running, is_new = local_server.up()
        if is_new:
            idle = show_duration(local_server.idle_exit_s()).removesuffix(" 00 s")
            started = (
                f"Started your own Telerun server at {running.url} "
                f"(it stops after {idle} without work; telerun down ends it now)."
            )
    return Connection(url=running.url, token=_from_file(Path(running.token_file)), started=started)
