"""Writes docs/reference-cli.md from the commands themselves: `python -m telerun_magic.cli.reference FILE`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from telerun_magic.cli.app import cli

HEAD = """# The command `telerun`

Written by `python -m telerun_magic.cli.reference docs/reference-cli.md`; change the commands, not this page.

The server to use comes from `--server`, then `TELERUN_URL`, then `config.toml`; its token from `--token-file`, then
`TELERUN_TOKEN_FILE`, then `credentials.toml`. Both files lie in `~/.config/telerun` (or `TELERUN_CONFIG_DIR`). Where no
server is named, the user's own is used, and started when it does not run.

Exit codes: 0 done, 1 failed (one line on standard error says what, why and what to do), 2 wrong usage, 130 interrupted.
"""


def reference() -> str:
    """The whole page."""
    root = click.Context(cli, info_name="telerun", **cli.context_settings)
    parts = [HEAD, "## telerun\n", *_section(cli, root)]
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        assert command is not None
        if not command.hidden:
            parts += [f"## telerun {name}\n", *_section(command, click.Context(command, info_name=name, parent=root))]
    return "\n".join(parts)


def _section(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"    {context.command_path} {usage}\n"
    yield _text(inspect.cleandoc(command.help or "")) + "\n"
    rows = [row for parameter in command.get_params(context) if (row := parameter.get_help_record(context)) and row[1]]
    if rows:
        yield "| option | |\n|---|---|"
        yield "\n".join(f"| `{_cell(names)}` | {_cell(text)} |" for names, text in rows) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _text(text: str) -> str:
    """Paragraphs that click is told to leave alone are shown as they are written."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        "\n".join(f"    {line}" for line in paragraph.splitlines()[1:]) if paragraph.startswith("\b") else paragraph
        for paragraph in paragraphs
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
