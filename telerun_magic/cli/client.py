"""From the global options to a client that speaks to a server."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
import msgspec

from telerun_magic.cli.app import Settings
from telerun_magic.cli.terminal import clean
from telerun_magic.connect import Connection, connection
from telerun_protocol.client import Client
from telerun_protocol.errors import InvalidMessage, TelerunError
from telerun_protocol.messages import Job

T = TypeVar("T")
ASK_S = 5.0  # how long a question is repeated to a server that does not answer
FOLLOW_S = 600.0  # a job goes on without us, so whoever follows one may wait for the server to come back


def connect(settings: Settings, *, start: bool = True) -> Connection:
    """The connection in force; a local server that had to be started is announced."""
    found = connection(start=start, url=settings.server, token_file=settings.token_file, ca_file=settings.ca_file)
    if found.started:
        click.echo(found.started, err=True)
    return found


def client(found: Connection, retry_s: float) -> Client:
    told: list[str] = []

    def tell(error: TelerunError) -> None:
        if not told:
            click.echo(f"telerun: {clean(error.message)} Trying again ...", err=True)
        told.append(error.message)

    try:
        return Client(
            found.url, found.token, ca_file=found.ca_file, retry_s=retry_s, on_retry=tell, user_agent="telerun"
        )
    except OSError as error:  # what ssl says about it names no file
        raise InvalidMessage(
            f"The CA file {found.ca_file} cannot be used ({error}).", hint="It holds certificates in PEM."
        ) from error


def ask(settings: Settings, action: Callable[[Client], Awaitable[T]], *, start: bool = True) -> T:
    """Runs `action` with a client; for commands that ask something and are done."""

    async def run() -> T:
        async with client(connect(settings, start=start), ASK_S) as speaker:
            return await action(speaker)

    return asyncio.run(run())


async def look_up(found: Connection, job: str) -> Job:
    """A job that is about to be followed: a server that is not there is told at once."""
    async with client(found, ASK_S) as speaker:
        return await speaker.job(job)


def job_id(text: str) -> str:
    """A job as a person names it: its id, or its number with or without leading zeros."""
    plain = text.strip().lstrip("#").lower()
    if not re.fullmatch("[a-z0-9]{1,40}", plain):
        raise InvalidMessage(f"{text!r} is not a job.", hint="Use a number or id that telerun list shows.")
    return str(int(plain)) if plain.isdecimal() else plain


def print_json(message: object) -> None:
    """One JSON document, as the protocol has it."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(message), indent=2) + b"\n")
    sys.stdout.buffer.flush()
