"""`telerun login` and `logout`: which server, and the token for it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import click

from telerun_magic import config, legacy_files
from telerun_magic.cli.app import Settings
from telerun_magic.cli.client import ASK_S, client
from telerun_magic.cli.terminal import clean
from telerun_magic.connect import Connection
from telerun_protocol.errors import Conflict, InvalidMessage, NotFound, TelerunError, Unauthorized
from telerun_protocol.messages import Principal

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@click.command()
@click.argument("url", required=False)
@click.option(
    "--token-file", type=click.Path(allow_dash=True), metavar="FILE", help="Read the token from a file; - is stdin."
)
@click.option(
    "--ca-file", type=click.Path(path_type=Path), metavar="FILE", help="Certificates (PEM) that may vouch for it."
)
@click.option(
    "--import",
    "old_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take over the account from auth.json or .telerun.json of an older client.",
)
@click.option("-f", "--force", is_flag=True, help="Replace another token that is stored for this server.")
@click.pass_obj
def login(
    settings: Settings,
    url: str | None,
    token_file: str | None,
    ca_file: Path | None,
    old_file: Path | None,
    force: bool,
) -> None:
    """Use the server at URL from now on, with a token that its administrator gave you.

    The token is asked for without being shown, tried, and stored in a file that only you can read.
    """
    config.load()  # where nothing can be stored, no token is asked for
    old = legacy_files.read(old_file) if old_file else None
    url = url or settings.server or (old.url if old else None)
    if url is None and old:
        raise InvalidMessage(f"{old_file} does not name a server.", hint=f"telerun login URL --import {old_file}")
    if url is None and not sys.stdin.isatty():
        raise InvalidMessage("No server was named and nobody can be asked.", hint="telerun login URL")
    url = config.server_url(url or click.prompt("Server", err=True))
    given_file = token_file or (str(settings.token_file) if settings.token_file else None)
    token = old.token if old else _token(url, given_file)
    ca_file = ca_file or settings.ca_file
    kept = config.credentials().get(url)
    if kept and kept.token != token and not force and not _agreed(url):
        raise Conflict(f"Another token is stored for {url}.", hint="telerun login --force replaces it.")
    if url.startswith("http://") and urlsplit(url).hostname not in LOOPBACK:
        click.echo("telerun: this server is spoken to without encryption: others on the way can read along.", err=True)
    certificate = old.certificate if old and not ca_file else None
    with TemporaryDirectory() as folder:
        if certificate:
            ca_file = Path(folder) / "ca.pem"
            ca_file.write_text(certificate)
        me = _try(url, token, ca_file)
    if certificate:
        ca_file = config.folder() / f"{urlsplit(url).hostname}.pem"
        config.write(ca_file, certificate)
    config.login(url, token, me.name, ca_file)
    click.echo(f"Logged in to {url} as {clean(me.name)} ({me.kind}).")


@click.command()
@click.argument("url", required=False)
@click.pass_obj
def logout(settings: Settings, url: str | None) -> None:
    """Forget the token of a server: of URL, or of the one in use."""
    forgotten = config.logout(url or settings.server)
    if forgotten is None:
        raise NotFound("There is no login to forget.")
    click.echo(f"Logged out of {forgotten}.")


def _token(url: str, source: str | None) -> str:
    if source == "-":
        text = sys.stdin.readline()
    elif source:
        text = config.read_text(Path(source))
    elif sys.stdin.isatty():
        text = click.prompt(f"Token for {url}", hide_input=True, err=True)
    else:
        raise InvalidMessage("No token was given and nobody can be asked.", hint="Give --token-file FILE, - for stdin.")
    return config.check_token(text)


def _agreed(url: str) -> bool:
    return sys.stdin.isatty() and click.confirm(f"Another token is stored for {url}. Replace it?", err=True)


def _try(url: str, token: str, ca_file: Path | None) -> Principal:
    """Who the server takes us for. Nothing has been stored when this fails."""

    async def me() -> Principal:
        async with client(Connection(url=url, token=lambda: token, ca_file=ca_file), ASK_S) as speaker:
            return await speaker.me()

    try:
        return asyncio.run(me())
    except Unauthorized:
        raise Unauthorized(f"{url} does not know this token.", hint="Nothing was stored.") from None
    except (NotFound, InvalidMessage) as error:
        if ca_file and str(ca_file) in error.message:
            raise
        raise NotFound(f"{url} answers, but not as a Telerun server.", hint="Nothing was stored.") from None
    except TelerunError as error:
        raise type(error)(error.message, hint=f"{error.hint or ''} Nothing was stored.".strip()) from error
