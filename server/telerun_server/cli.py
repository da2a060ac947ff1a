"""`telerun-server`, and its `run`: the server as a process."""

from __future__ import annotations

import asyncio
import getpass
import ipaddress
import logging
import os
import re
import resource
import signal
from pathlib import Path
from typing import Any, Literal

import click
import msgspec
from pythonjsonlogger.json import JsonFormatter

from telerun_protocol.errors import Conflict
from telerun_server.account_commands import executors, users
from telerun_server.accounts import Accounts
from telerun_server.command import data_option, to_completion
from telerun_server.config import load
from telerun_server.disk import make_secret_folder, write_secret
from telerun_server.server import Server, Settings, running

READY_FD = "TELERUN_READY_FD"
LOCAL_EXECUTOR = "local"

log = logging.getLogger("telerun_server")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="telerun-magic", prog_name="telerun-server")
def main() -> None:
    """The Telerun queue server."""
    os.umask(0o077)  # what we write is nobody else's


main.add_command(users)
main.add_command(executors)


@main.command()
@data_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8650, show_default=True, help="0: any free port.")
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
    if accounts_for_run is not None:
        make_secret_folder(accounts_for_run)
    settings = Settings(data=data, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key, config=config)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(settings) as server:
        if accounts_for_run is not None:
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


async def make_run_accounts(accounts: Accounts, folder: Path) -> None:
    """A user and an executor for this run, their tokens in files that only their owner reads."""
    for name, role, file in ((user_name(), "user", "user.token"), (LOCAL_EXECUTOR, "executor", "executor.token")):
        try:
            token = await accounts.add(name, role, user_class="local")
        except Conflict:
            token = await accounts.rotate(name, executor=role == "executor")
        write_secret(folder / file, token)


def user_name() -> str:
    """The name of who runs this, as an account can have it."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in some containers
        name = ""
    return re.sub(r"[^A-Za-z0-9._@-]", "-", name).lstrip("._@-")[:63] or "user"
