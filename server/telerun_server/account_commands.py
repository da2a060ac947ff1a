"""`telerun-server users` and `executors`: who may speak to the server."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
import msgspec

from telerun_protocol.errors import NotFound
from telerun_server.accounts import Accounts
from telerun_server.command import data_option, to_completion
from telerun_server.disk import write_secret
from telerun_server.server import database_path, make_data_folder
from telerun_server.store.sqlite import SqliteStore


@asynccontextmanager
async def accounts_in(data: Path, *, make: bool = False) -> AsyncIterator[Accounts]:
    """The accounts of a data folder, whether a server runs on it or not; `make`: also where none has run yet."""
    if make:
        make_data_folder(data)
    elif not database_path(data).exists():
        raise NotFound(f"No server has its data in {data}.", hint="Is it the --data of the server?")
    store = await SqliteStore.open(database_path(data))
    try:
        yield Accounts(store)
    finally:
        await store.close()


def show_token(token: str, token_file: Path | None) -> None:
    if token_file is None:
        click.echo(token)
        if sys.stdout.isatty():
            click.echo("Keep it: it is not shown again.", err=True)
        return
    try:
        write_secret(token_file, token)
    except OSError as error:
        raise click.ClickException(
            f"The account is there, but {token_file} cannot be written: {error.strerror}. Rotate its token."
        ) from error
    click.echo(f"The token is in {token_file}.", err=True)


def account_commands(group: click.Group, what: str) -> None:
    """The same four verbs for users and for executors."""
    is_executor = what == "executor"
    name_argument = click.argument("name")
    token_option = click.option(
        "--token-file", type=click.Path(path_type=Path), help="Write the token there, mode 0600."
    )

    @group.command("add", help=f"Make {what} NAME and show its token, once.")
    @data_option
    @name_argument
    @token_option
    @to_completion
    async def add(
        data: Path, name: str, token_file: Path | None, admin: bool = False, user_class: str = "default"
    ) -> None:
        async with accounts_in(data, make=True) as accounts:
            token = await accounts.add(name, "admin" if admin else what, user_class=user_class)
            show_token(token, token_file)

    if not is_executor:
        click.option("--admin", is_flag=True, help="May see and cancel the jobs of all.")(add)
        click.option(
            "--class",
            "user_class",
            default="default",
            show_default=True,
            metavar="CLASS",
            help="Decides what the jobs may have.",
        )(add)

    @group.command("list", help=f"Show all {what}s.")
    @data_option
    @click.option("--json", "as_json", is_flag=True)
    @to_completion
    async def list_(data: Path, as_json: bool) -> None:
        async with accounts_in(data) as accounts:
            found = await accounts.list(executor=is_executor)
        if as_json:
            click.echo(msgspec.json.encode(found).decode())
        else:
            for account in found:
                click.echo(f"{account.name}\t{account.role}" + ("" if is_executor else f"\t{account.user_class}"))

    @group.command("rotate", help=f"Give {what} NAME a new token; the old one ends within a second.")
    @data_option
    @name_argument
    @token_option
    @to_completion
    async def rotate(data: Path, name: str, token_file: Path | None) -> None:
        async with accounts_in(data) as accounts:
            show_token(await accounts.rotate(name, executor=is_executor), token_file)

    @group.command("remove", help=f"Forget {what} NAME. Its jobs stay until their time has come.")
    @data_option
    @name_argument
    @to_completion
    async def remove(data: Path, name: str) -> None:
        async with accounts_in(data) as accounts:
            await accounts.remove(name, executor=is_executor)


@click.group()
def users() -> None:
    """Who may submit jobs."""


@users.command("class", help="Put user NAME into CLASS, which decides what the user's jobs may have.")
@data_option
@click.argument("name")
@click.argument("user_class", metavar="CLASS")
@to_completion
async def set_class(data: Path, name: str, user_class: str) -> None:
    async with accounts_in(data) as accounts:
        await accounts.set_class(name, user_class)


@click.group()
def executors() -> None:
    """Which machines may run jobs."""


account_commands(users, "user")
account_commands(executors, "executor")
