"""`telerun run`: a job that behaves like a program: its streams are ours, and so is its exit code."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from telerun_magic import language
from telerun_magic.cli.app import INTERRUPTED
from telerun_magic.cli.client import FOLLOW_S, client, connect
from telerun_magic.cli.follow import cancel_and_wait, exit_code_of, follow, interrupts, queue, unless
from telerun_magic.cli.spec_options import build, spec_options
from telerun_magic.cli.terminal import Sink, clean
from telerun_magic.submission import Submission
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.logframes import Frame
from telerun_protocol.messages import EMULATION_NOTE, Job, Result
from telerun_protocol.states import Language, Reason, StreamId


class RunCommand(click.Command):
    """Notes whether the words come after `--`: then they are a command, else a language and a file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given = list(args)
        rest = super().parse_args(ctx, args)
        words: tuple[str, ...] = ctx.params["words"]
        ctx.meta["is_command"] = given[: len(given) - len(words)][-1:] == ["--"]
        return rest


@click.command(cls=RunCommand, context_settings={"allow_interspersed_args": False})
@click.option("--id-file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the id there.")
@click.option("--raw", is_flag=True, help="Send control sequences to the terminal as they are.")
@spec_options
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="{[LANG] FILE [ARG]... | -- CMD...}")
@click.pass_context
def run(ctx: click.Context, /, words: tuple[str, ...], id_file: Path | None, raw: bool, **options: Any) -> None:
    """Run a source file or a command and pass its output and exit code on.

    \b
    telerun run cu saxpy.cu 1000        LANG is one of cu, cpp, c, py, sh, project
    telerun run saxpy.cu 1000           the file's name says it
    telerun run cpp - 1000 < a.cpp      the source comes from standard input
    telerun run --gpus 1 -- nvidia-smi  a command of the executor's machine; also: run command nvidia-smi

    Standard output and standard error stay apart and go byte for byte into files and pipes; on a terminal, control
    sequences other than colours are taken out. Compiler messages go to standard error. Ctrl-C cancels the job.
    """  # noqa: D301 - click reads the \b
    built = built_from(words, is_command=ctx.meta["is_command"], options=options)
    found = connect(ctx.obj)
    out, err = Sink(sys.stdout.buffer, raw=raw), Sink(sys.stderr.buffer, raw=raw)

    def show(frame: Frame) -> None:
        (out if frame.stream == StreamId.STDOUT else err).write(frame.payload)

    async def stream() -> Job | None:
        async with interrupts() as interrupted:
            job = await queue(found, built, interrupted, id_file)
            if job is None:
                return None
            async with client(found, FOLLOW_S) as speaker:
                try:
                    ended = await unless(interrupted, follow(speaker, job, lambda _: None, show))
                except* BrokenPipeError:  # whoever read our output has gone: a local program would end too
                    await speaker.cancel(job.id)
                    raise
                if ended is None:
                    await cancel_and_wait(speaker, job)
                return ended

    ended = asyncio.run(stream())
    out.close()
    err.close()
    if ended is None:
        ctx.exit(INTERRUPTED)
    if ended.result and ended.result.emulated:
        click.echo(f"telerun: {EMULATION_NOTE}", err=True)
    tell_failure(ended.result)
    ctx.exit(exit_code_of(ended, as_program=True))


def built_from(words: tuple[str, ...], *, is_command: bool, options: dict[str, Any]) -> Submission:
    if is_command:
        return build(list(words), Language.COMMAND, **options)
    first, *rest = words
    if first.lower() in language.ALIASES:
        is_command = language.named(first) is Language.COMMAND
        if not rest:
            raise click.UsageError(f"Which {'command' if is_command else 'file'}? telerun run {first} ...")
        if is_command:
            return build(rest, Language.COMMAND, **options)
        return build(_source(rest[0], options), first, args=rest[1:], **options)
    if first != "-" and not Path(first).suffix and not Path(first).exists():
        guess = language.closest(first, language.ALIASES)
        hint = f"Did you mean {guess}?" if guess else f"Languages are {', '.join(Language)}."
        raise InvalidMessage(f"{first!r} is neither a language nor a file here.", hint=hint)
    return build(_source(first, options), None, args=rest, **options)


def _source(file: str, options: dict[str, Any]) -> Path | str:
    """The file; for - the text of our standard input."""
    if file != "-":
        return Path(file)
    if options["stdin"] == Path("-"):
        raise InvalidMessage("Standard input cannot be both the source and what the program reads.")
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def tell_failure(result: Result | None) -> None:
    """Why there is no exit code of a program, where there is none; a program's own failure speaks for itself."""
    if result and result.reason not in (None, Reason.NONZERO_EXIT):
        click.echo(f"telerun: {clean(f'{result.message} {result.hint}')}", err=True)
