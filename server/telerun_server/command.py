"""What the commands of `telerun-server` have in common: the data folder, and how an error is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from telerun_protocol.errors import TelerunError

P = ParamSpec("P")
R = TypeVar("R")

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
        except ExceptionGroup as failed:  # what ends while the server's own tasks run comes in a group
            ours, others = failed.split(TelerunError)
            if ours is None or others is not None:
                raise
            raise click.ClickException(str(ours.exceptions[0])) from None

    return command
