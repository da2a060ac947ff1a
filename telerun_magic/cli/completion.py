"""Shell completion: the script a shell loads, and the jobs it can complete."""

from __future__ import annotations

import asyncio

import click
from click.shell_completion import CompletionItem, get_completion_class

from telerun_magic.cli.app import cli
from telerun_magic.connect import connection
from telerun_protocol.client import Client
from telerun_protocol.errors import TelerunError

PATIENCE_S = 1.0


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  eval "$(telerun completion bash)"
    zsh:   eval "$(telerun completion zsh)"
    fish:  telerun completion fish | source
    """  # noqa: D301 - click reads the \b
    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(cli, {}, "telerun", "_TELERUN_COMPLETE")
    click.echo(script.source_template % script.source_vars())


def complete_jobs(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The newest jobs, where a server is at hand that answers at once."""

    async def numbers() -> list[CompletionItem]:
        found = connection(start=False)
        async with asyncio.timeout(PATIENCE_S), Client(found.url, found.token, ca_file=found.ca_file) as client:
            jobs = await client.jobs(limit="30")
        return [
            CompletionItem(str(job.number), help=f"{job.state} {job.spec.name or job.spec.main_path or ''}".strip())
            for job in jobs.jobs
            if str(job.number).startswith(incomplete)
        ]

    try:
        return asyncio.run(numbers())
    except (TelerunError, TimeoutError, OSError):
        return []
