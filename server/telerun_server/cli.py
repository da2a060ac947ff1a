"""`telerun-server`: run the server, and keep its accounts."""

from __future__ import annotations

import asyncio
import getpass
import ipaddress
import logging
import os
import re
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

import click
import msgspec
from pythonjsonlogger.json import JsonFormatter

from telerun_protocol.errors import Conflict, TelerunError
from telerun_server.accounts import Accounts
from telerun_server.config import load
from telerun_server.server import Server, Settings, database_path, make_data_folder, running
from telerun_server.store.sqlite import SqliteStore

P = ParamSpec("P")
R = TypeVar("R")
READY_FD = "TELERUN_READY_FD"
LOCAL_EXECUTOR = "local"

log = logging.getLogger("telerun_server")
data_option = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the server's data."
)


def to_completion(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Runs a command's coroutine; an error of ours is its one line."""

    @wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return asyncio.run(function(*args, **kwargs))
        except TelerunError as error:
            raise click.ClickException(str(error)) from None

    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="telerun-magic", prog_name="telerun-server")
def main() -> None:
    """The Telerun queue server."""
    os.umask(0o077)  # what we write is nobody else's


# -------------------------------------------------------------------------------------------------------------- run


@main.command()
@data_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8650, show_default=True, help="0: any free port.")
@click.option("--tls-cert", type=click.Path(path_type=Path, dir_okay=False), help="PEM file: speak https.")
@click.option("--tls-key", type=click.Path(path_type=Path, dir_okay=False), help="PEM file, if apart.")
@click.option("--insecure", is_flag=True, help="Allow plain http beyond this machine, as behind a TLS proxy.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="TOML file with limits and times.")
@click.option(
    "--emulation",
    type=click.Choice(["never", "allow"]),
    help="Whether jobs that want a GPU may be emulated on a CPU where there is none; as configured, or never.",
)
@click.option(
    "--accounts-for-run", type=click.Path(path_type=Path), help="Folder for tokens of a user and an executor."
)
@click.option("--idle-exit", type=click.FloatRange(min=0, min_open=True), help="Stop after so many idle seconds.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning"]), default="info", show_default=True)
@to_completion
async def run(
    data: Path,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    insecure: bool,
    config_file: Path | None,
    emulation: Literal["never", "allow"] | None,
    accounts_for_run: Path | None,
    idle_exit: float | None,
    log_format: str,
    log_level: str,
) -> None:
    """Serve until SIGTERM or SIGINT."""
    if tls_cert is None and not insecure and not is_loopback(host):
        raise click.UsageError(
            f"Tokens would cross the network unprotected on {host}. Give --tls-cert, "
            "or --insecure if a proxy in front speaks https."
        )
    if tls_key is not None and tls_cert is None:
        raise click.UsageError("--tls-key needs --tls-cert.")
    set_up_logging(log_format, log_level)
    raise_file_limit()
    config = load(config_file)
    config = msgspec.structs.replace(config, emulation=emulation or config.emulation)
    settings = Settings(data=data, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key, config=config)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(settings) as server:
        if accounts_for_run is not None:
            make_secret_folder(accounts_for_run)
            await make_run_accounts(server.parts.accounts, accounts_for_run)
        log.info("listening on %s", server.url)
        tell_ready(server.url)
        await until_stopped(server, stop, idle_exit)
        log.info("stopping")
    log.info("stopped")


async def until_stopped(server: Server, stop: asyncio.Event, idle_s: float | None) -> None:
    waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(stop.wait())]
    if idle_s is not None:
        waits.append(asyncio.ensure_future(server.until_idle(idle_s)))
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in done:
            wait.result()
    finally:
        for wait in waits:
            wait.cancel()


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def tell_ready(url: str) -> None:
    """A supervisor that gave us a pipe learns where we listen."""
    if descriptor := os.environ.pop(READY_FD, None):
        with os.fdopen(int(descriptor), "wb") as ready:
            ready.write(f"{url}\n".encode())


def raise_file_limit() -> None:
    """Each follower is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def set_up_logging(form: str, level: str) -> None:
    handler = logging.StreamHandler()
    if form == "json":
        fields = "%(asctime)s %(levelname)s %(name)s %(message)s"
        handler.setFormatter(
            JsonFormatter(fields, rename_fields={"asctime": "time", "levelname": "level", "name": "logger"})
        )
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])


def make_secret_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


async def make_run_accounts(accounts: Accounts, folder: Path) -> None:
    """A user and an executor for this run, their tokens in files that only their owner reads."""
    user = re.sub(r"[^A-Za-z0-9._@-]", "-", getpass.getuser()).lstrip("._@-")[:63] or "user"
    for name, role, file in ((user, "user", "user.token"), (LOCAL_EXECUTOR, "executor", "executor.token")):
        try:
            token = await accounts.add(name, role, user_class="local")
        except Conflict:
            token = await accounts.rotate(name, executor=role == "executor")
        write_secret(folder / file, token)


def write_secret(path: Path, token: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
    new.replace(path)


# --------------------------------------------------------------------------------------------------------- accounts


@asynccontextmanager
async def accounts_in(data: Path) -> AsyncIterator[Accounts]:
    """The accounts of a data folder, whether a server runs on it or not."""
    make_data_folder(data)
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
        async with accounts_in(data) as accounts:
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


@main.group()
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


@main.group()
def executors() -> None:
    """Which machines may run jobs."""


account_commands(users, "user")
account_commands(executors, "executor")
