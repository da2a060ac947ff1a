"""`make demo`: every example notebook through a real kernel, server and executor, without a browser.

Prints a line for each cell that ran a job, leaves executed notebooks and pages to look at, and exits with 1 when
something went wrong that a cell does not announce by the tag `raises-exception`.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import click

from telerun_magic.local import lab
from telerun_magic.local.gpu import EMULATED
from telerun_magic.local.supervisor import ChildDied, Service, Supervisor
from telerun_magic.render.bundle import MIME
from telerun_magic.render.clean import line
from telerun_protocol.client import Client
from telerun_protocol.errors import TelerunError
from telerun_protocol.messages import Job
from telerun_protocol.states import Reason
from telerun_protocol.units import show_duration

CELL_S = 600
CONVERT = (sys.executable, "-m", "nbconvert")
EXPECTED = "raises-exception"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One job or one unexpected error of a cell."""

    notebook: str
    cell: int  # from 1, as code cells are counted; 0: no cell shows it
    text: str
    ok: bool


@click.command()
@click.option("--notebooks", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
def demo(notebooks: Path, out: Path) -> int:
    """Execute every notebook of a folder and write what came out below OUT."""
    lab.require()
    out.mkdir(parents=True, exist_ok=True)
    work = out / "work"  # notebooks write files beside themselves: they get a copy of the folder
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(notebooks, work, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    rows: list[Row] = []
    with Supervisor(out / "service") as supervisor:
        service = supervisor.start_service()
        click.echo(f"Logs: {supervisor.run}")
        if service.emulates:
            click.echo(EMULATED)
        for source in sorted(notebooks.glob("*.ipynb")):
            rows += _execute(supervisor, service, work / source.name, out)
        executed = [str(path.absolute()) for path in sorted(out.glob("*.ipynb"))]
        if executed and supervisor.run_to_end("pages", [*CONVERT, "--to=html", *executed], lab.environment(service)):
            raise ChildDied("The notebooks could not be turned into pages.", hint=f"See {supervisor.run}/pages.log.")
    (out / "index.html").write_text(_index(rows), encoding="utf-8")
    failed = sum(not row.ok for row in rows)
    click.echo(f"{len(rows)} lines, {failed} of them wrong. Pages: {out / 'index.html'}")
    return 1 if failed or not rows else 0


def _execute(supervisor: Supervisor, service: Service, source: Path, out: Path) -> list[Row]:
    """Runs one notebook, writes what came out below `out`, and tells what its cells did."""
    name, began = source.stem, time.monotonic()
    options = ["--to=notebook", "--execute", "--allow-errors", f"--ExecutePreprocessor.timeout={CELL_S}"]
    argv = [*CONVERT, *options, f"--output-dir={out.absolute()}", str(source.absolute())]
    before = {job.id for job in asyncio.run(_jobs(service))}
    if supervisor.run_to_end(name, argv, lab.environment(service)):
        tail = (supervisor.run / f"{name}.log").read_text(errors="replace").splitlines()[-1:]
        rows = [Row(notebook=name, cell=0, text=f"could not be executed: {line(' '.join(tail))}", ok=False)]
    else:
        notebook = json.loads((out / source.name).read_text(encoding="utf-8"))
        jobs = [job for job in reversed(asyncio.run(_jobs(service))) if job.id not in before]
        rows = list(_rows(name, [cell for cell in notebook["cells"] if cell["cell_type"] == "code"], jobs))
    for row in rows:
        where = f"cell {row.cell}" if row.cell else "-"
        click.echo(f"{'ok  ' if row.ok else 'FAIL'} {row.notebook:26} {where:8} {row.text}")
    click.echo(f"     {name} took {show_duration(time.monotonic() - began)}")
    return rows


async def _jobs(service: Service) -> tuple[Job, ...]:
    async with Client(service.url, service.user_token_file.read_text().strip()) as client:
        return (await client.jobs(limit="500")).jobs


def _rows(name: str, cells: list[dict[str, Any]], jobs: list[Job]) -> Iterator[Row]:
    """A line for each job, at the cell that shows it where one does, and one for each error no cell announces."""
    cell_of: dict[str, int] = {}
    for number, cell in enumerate(cells, 1):
        for output in cell["outputs"]:
            if shown := output.get("data", {}).get(MIME):
                cell_of.setdefault(shown["id"], number)
            elif output["output_type"] == "error" and EXPECTED not in cell["metadata"].get("tags", ()):
                yield Row(notebook=name, cell=number, text=f"unexpected error: {line(output['evalue'])}", ok=False)
    for job in jobs:
        ours = job.reason is not None and job.reason.is_ours
        yield Row(notebook=name, cell=cell_of.get(job.id, 0), text=_told(job), ok=job.state.is_final and not ours)


def _told(job: Job) -> str:
    why = f" ({job.reason.replace('_', ' ')})" if job.reason and job.reason is not Reason.CANCELLED else ""
    why += " (emulated)" if job.result and job.result.emulated else ""
    times = []
    if job.finished_at:
        times.append(f"{show_duration(job.finished_at - job.created_at)} in all")
        if job.started_at:
            times.append(f"{show_duration(job.finished_at - job.started_at)} of it running")
    return line(f"job {job.number:<4} {job.spec.language:4} {job.state}{why}  {', '.join(times)}")


def _index(rows: list[Row]) -> str:
    cells = "\n".join(
        f"<tr><td><a href='{escape(row.notebook)}.html'>{escape(row.notebook)}</a><td>{row.cell or ''}"
        f"<td>{'' if row.ok else '<b>wrong</b> '}{escape(row.text)}"
        for row in rows
    )
    return (
        "<!doctype html><meta charset=utf-8><title>Telerun: example notebooks</title>"
        "<style>body{font:15px sans-serif;margin:2em}td{padding:.2em 1em .2em 0}</style>"
        f"<h1>Example notebooks, executed</h1><table><tr><th>notebook<th>cell<th>what became of it\n{cells}\n</table>\n"
    )


def main() -> int:
    try:
        return int(demo.main(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except TelerunError as error:
        click.echo("\n    ".join([f"telerun: {error}", *error.items]), err=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
