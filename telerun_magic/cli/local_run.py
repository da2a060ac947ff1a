"""`telerun local`: a job on this very machine, in the same sandbox and within the same limits, without any server."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from telerun_magic.cli.follow import exit_code_of_result
from telerun_magic.cli.out_folder import OutFolder
from telerun_magic.cli.run import RunCommand, built_from, tell_failure
from telerun_magic.cli.spec_options import spec_options
from telerun_magic.submission import Submission
from telerun_protocol.codec import decode, encode
from telerun_protocol.errors import TelerunError
from telerun_protocol.messages import Result
from telerun_protocol.states import Isolation


class LocalFailed(TelerunError):
    """The job could not be run on this machine."""


@click.command(cls=RunCommand, context_settings={"allow_interspersed_args": False})
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where its files go (out)."
)
@click.option(
    "--require-isolation",
    type=click.Choice([level.value for level in Isolation]),
    default=Isolation.NONE.value,
    show_default=True,
    help="Do not run with less; on your own machine the best that there is will do.",
)
@spec_options
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="{[LANG] FILE [ARG]... | -- CMD...}")
@click.pass_context
def local(
    ctx: click.Context, /, words: tuple[str, ...], out: Path | None, require_isolation: str, **options: Any
) -> None:
    """Run a source file or a command here, as an executor would: its sandbox, its limits, its compilers.

    \b
    telerun local saxpy.cu 1000            compile and run a file
    telerun local --memory 512M -- ./a.out run a command

    The program finds its files, and nothing else of yours: --in sends what it needs. What it leaves in out/ is put into
    --out. The exit code is the program's.
    """  # noqa: D301 - click reads the \b
    submission = built_from(words, is_command=ctx.meta["is_command"], options=options)
    with tempfile.TemporaryDirectory(prefix="telerun-local-") as name:
        folder = Path(name)
        _write(submission, folder)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the executor, which cancels the job
        try:
            done = subprocess.run(
                [sys.executable, "-m", "telerun_executor", "local", name, "--require-isolation", require_isolation],
                check=False,
            )
        finally:
            signal.signal(signal.SIGINT, before)
        told = folder / "result.json"
        if not told.exists():
            if done.returncode > 0:
                ctx.exit(done.returncode)  # it has said why
            raise LocalFailed(f"The executor ended by signal {-done.returncode} before the job did.")
        result = decode(told.read_bytes(), Result)
        target = OutFolder(out or Path("out"))
        for artifact in result.artifacts:
            target.write(artifact.path, (folder / "kept" / artifact.sha256).read_bytes())
    for note in result.notes:
        click.echo(f"telerun: {note}", err=True)
    tell_failure(result)
    ctx.exit(exit_code_of_result(result, as_program=True))


def _write(submission: Submission, folder: Path) -> None:
    """The job as the executor reads it."""
    (folder / "spec.json").write_bytes(encode(submission.spec))
    (folder / "blobs").mkdir()
    for sha256, content in submission.contents.items():
        target = folder / "blobs" / sha256
        if isinstance(content, Path):
            shutil.copyfile(content, target)
        else:
            target.write_bytes(content)
