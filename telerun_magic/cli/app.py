"""The command group, its global options, and how every error becomes one line and an exit code."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn

import click

from telerun_magic.cli.terminal import clean
from telerun_protocol.errors import TelerunError

FAILED, USAGE, INTERRUPTED = 1, 2, 130
COMMANDS = {
    "submit": "submit",
    "run": "run",
    "list": "jobs:list_jobs",
    "status": "jobs",
    "logs": "logs",
    "watch": "logs",
    "cancel": "jobs",
    "output": "output",
    "limits": "about",
    "executors": "about",
    "version": "about",
    "login": "login",
    "logout": "login",
    "lab": "local",
    "up": "local",
    "down": "local",
    "ps": "local",
    "local": "local_run",
    "completion": "completion",
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The global options."""

    server: str | None
    token_file: Path | None
    ca_file: Path | None
    debug: bool


class Commands(click.Group):
    """Imports a command's module only when it is asked for: `telerun --version` and completion stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"telerun_magic.cli.{module}"), name or cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            raise click.UsageError(error.message + (f" Did you mean {near[0]!r}?" if near else ""), ctx) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="telerun-magic", prog_name="telerun")
@click.option("--server", metavar="URL", help="The server to use; before TELERUN_URL and the configuration.")
@click.option(
    "--token-file", type=click.Path(path_type=Path), metavar="FILE", help="A file that holds the token for it."
)
@click.option(
    "--ca-file", type=click.Path(path_type=Path), metavar="FILE", help="Certificates (PEM) that may vouch for it."
)
@click.option("--debug", is_flag=True, envvar="TELERUN_DEBUG", help="Show a traceback when something fails.")
@click.pass_context
def cli(ctx: click.Context, server: str | None, token_file: Path | None, ca_file: Path | None, debug: bool) -> None:
    """Run GPU code on machines you do not have.

    `telerun submit prog.cu` compiles and runs a program and brings back its output, files and assembly. Without a
    server configured, one of your own is started in the background.
    """
    if debug:
        sys.excepthook = sys.__excepthook__
    ctx.obj = Settings(server=server, token_file=token_file, ca_file=ca_file, debug=debug)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The entry point `telerun`. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    sys.excepthook = _report_defect
    try:
        code = cli.main(argv, prog_name="telerun", standalone_mode=False)
        sys.stdout.flush()
    except (click.ClickException, click.Abort, KeyboardInterrupt, TelerunError, OSError, BaseExceptionGroup) as error:
        code = _exit_code_for(_first_cause(error), show_traceback=sys.excepthook is not _report_defect)
    sys.exit(code if isinstance(code, int) else 0)


def _first_cause(error: BaseException) -> BaseException:
    """Out of a task group, the error that no other one explains: one of ours where there is one."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    causes = [_first_cause(inner) for inner in error.exceptions]
    return next((cause for cause in causes if isinstance(cause, TelerunError)), causes[0])


def _exit_code_for(error: BaseException, *, show_traceback: bool) -> int:
    match error:
        case click.ClickException():
            error.show()
            return error.exit_code
        case click.Abort() | KeyboardInterrupt():
            return INTERRUPTED
        case BrokenPipeError():  # the reader has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        case TelerunError() if not show_traceback:
            click.echo("\n    ".join([f"telerun: {clean(str(error))}", *map(clean, error.items)]), err=True)
            return FAILED
        case OSError() if not show_traceback:
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"telerun: {clean(f'{where}{error.strerror or error}')}.", err=True)
            return FAILED
    raise error


def _report_defect(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """What should not happen is said in one line too; the traceback is for those who ask for it."""
    click.echo(
        f"telerun: this is a defect of Telerun, not of your program: {kind.__name__}: {clean(str(error))}. "
        "Run it again with --debug and report what it shows.",
        err=True,
    )
