"""The command `telerun-executor`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from telerun_executor import log_format
from telerun_executor.config import Config, load
from telerun_protocol.errors import TelerunError


def _connection(command: click.decorators.FC) -> click.decorators.FC:
    for option in (
        click.option("--config", "config_file", type=click.Path(path_type=Path), help="A TOML file with settings."),
        click.option("--ca-file", metavar="FILE", help="Certificates to trust, for a server with its own authority."),
        click.option("--token-file", metavar="FILE", help="The file with this executor's token (TELERUN_TOKEN_FILE)."),
        click.option("--server", metavar="URL", help="The Telerun server (TELERUN_SERVER)."),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="telerun-magic", prog_name="telerun-executor")
def main() -> None:
    """Runs jobs of a Telerun server on this machine."""


@main.command()
@_connection
@click.option("--slots", metavar="N", type=int, help="Programs that run at once (1).")
@click.option(
    "--compile-slots",
    metavar="N",
    type=int,
    help="Compilers that run at once (one more than --slots, at most the number of CPUs).",
)
@click.option(
    "--name-label", "labels", metavar="LABEL", multiple=True, help="A label that jobs can ask for; repeatable."
)
@click.option("--work-dir", metavar="DIR", help="Where jobs are worked on; one executor a folder.")
@click.option("--keep", is_flag=True, default=None, help="Keep the jobs' folders for a look.")
@click.option("--no-gpu", is_flag=True, default=None, help="Do not offer this machine's GPUs.")
@click.option(
    "--emulation/--no-emulation",
    default=None,
    help="Offer CUDA emulated on the CPU, or do not; otherwise where nvcc and gcc are to be had.",
)
@click.option(
    "--require-isolation",
    type=click.Choice(["full", "degraded", "none"]),
    help="Do not start where jobs cannot be isolated so well (full).",
)
@click.option("--no-sandbox", is_flag=True, default=None, help="Run jobs as plain processes: they can do what you can.")
@click.option("--drain", "drain_s", metavar="SECONDS", type=float, help="How long jobs may run on at the end (10).")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="The form of this program's own log (text).")
def run(config_file: Path | None, no_gpu: bool | None, **flags: Any) -> None:
    """Claim jobs and run them, until Ctrl-C or SIGTERM."""
    config = _load(config_file, {**flags, "gpu": False if no_gpu else None})
    log_format.set_up(config.log_format)
    from telerun_executor.daemon import serve  # noqa: PLC0415 - what --help need not wait for

    try:
        asyncio.run(serve(config))
    except TelerunError as error:
        _fail(error)
    except asyncio.CancelledError:  # asked to end before it had begun
        sys.exit(0)


@main.command()
@_connection
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(config_file: Path | None, as_json: bool, **flags: Any) -> None:
    """Look whether this machine has what an executor needs. Exit code 1 when something needed is missing."""
    from telerun_executor.doctor import examine, show  # noqa: PLC0415

    findings = asyncio.run(examine(_load(config_file, flags)))
    show(findings, as_json=as_json)
    sys.exit(any(finding.is_problem for finding in findings))


@main.command()
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="A TOML file with settings.")
@click.option("--require-isolation", type=click.Choice(["full", "degraded", "none"]), help="Do not run with less.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def local(config_file: Path | None, folder: Path, **flags: Any) -> None:
    """Run the job in FOLDER, as `telerun local` writes it, without a server."""
    config = _load(config_file, flags)
    log_format.set_up(config.log_format, logging.WARNING)
    from telerun_executor.local import run_local  # noqa: PLC0415 - what --help need not wait for

    try:
        asyncio.run(run_local(config, folder.absolute()))
    except TelerunError as error:
        _fail(error)


def _load(config_file: Path | None, flags: dict[str, Any]) -> Config:
    try:
        return load(config_file or _named_by_environment(), flags, os.environ)
    except TelerunError as error:
        _fail(error)


def _named_by_environment() -> Path | None:
    name = os.environ.get("TELERUN_EXECUTOR_CONFIG")
    return Path(name) if name else None


def _fail(error: TelerunError) -> NoReturn:
    click.echo(f"telerun-executor: {error}", err=True)
    sys.exit(1)
