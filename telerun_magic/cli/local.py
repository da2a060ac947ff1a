"""`telerun lab`, `up`, `down` and `ps`: Telerun on one's own machine."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec
import platformdirs
import psutil

from telerun_magic.cli.app import FAILED
from telerun_magic.cli.client import print_json
from telerun_magic.cli.terminal import cell, show, table
from telerun_magic.local import lab as jupyter
from telerun_magic.local import local_server
from telerun_magic.local.gpu import EMULATED
from telerun_magic.local.supervisor import Interrupted, Supervisor, died
from telerun_protocol.errors import NotConfigured
from telerun_protocol.units import show_duration, show_size


@click.command()
@click.option("--browser/--no-browser", default=True, help="Whether to open a browser.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    default=".",
    metavar="DIR",
    help="The folder that JupyterLab shows.",
)
@click.option("--slots", type=click.IntRange(1), metavar="N", help="How many programs run at once; half the CPUs.")
@click.option("--compile-slots", type=click.IntRange(1), metavar="N", help="How many compile at once.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", help="JupyterLab's port.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where jobs, logs and tokens are kept; in your home otherwise.",
)
@click.argument("jupyter_args", nargs=-1, type=click.UNPROCESSED)
def lab(
    browser: bool,
    root: Path,
    slots: int | None,
    compile_slots: int | None,
    port: int | None,
    data: Path | None,
    jupyter_args: tuple[str, ...],
) -> None:
    """JupyterLab with a server and an executor of its own.

    All of them end together: at Ctrl-C, when the terminal closes, or when one of them dies. Arguments after -- go to
    JupyterLab.
    """
    jupyter.require()
    require_service()
    with Supervisor(data or Path(platformdirs.user_data_dir("telerun")) / "lab") as supervisor:
        try:
            service = supervisor.start_service(slots=slots, compile_slots=compile_slots)
            click.echo(f"Logs: {supervisor.run}")
            if service.emulates:
                click.echo(EMULATED)
            url = jupyter.start_jupyter(supervisor, service, root=root, browser=browser, port=port, more=jupyter_args)
            click.echo(f"JupyterLab: {url}\nCtrl-C ends it.")
            ended = supervisor.wait()
        except Interrupted:
            ended = None
        if ended:
            raise died(ended)
        assert supervisor.signal is not None
        click.echo(f"Stopping ({supervisor.signal.name}) ...")


@click.command()
def up() -> None:
    """Start your own server and executor in the background.

    There is one for each user, for this machine only. It outlives the terminal and stops when it was idle for half an
    hour. Commands and notebooks use it when no other server is configured, and start it themselves.
    """
    require_service()
    server, is_new = local_server.up()
    click.echo(f"{'Started' if is_new else 'Already running'}: {server.url} (data in {server.data})")
    if is_new and server.emulates:
        click.echo(EMULATED)


@click.command()
def down() -> None:
    """Stop your own server and executor; jobs that wait there are kept."""
    stopped = local_server.down()
    click.echo(f"Stopped {stopped.url}." if stopped else "No local server is running.")


class LocalProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `ps`."""

    role: str
    pid: int
    started_at: float
    memory_bytes: int


class LocalProcesses(msgspec.Struct, frozen=True, kw_only=True):
    """What `ps --json` prints: `url` is null when nothing runs."""

    url: str | None
    data: str | None
    processes: tuple[LocalProcess, ...]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_context
def ps(ctx: click.Context, as_json: bool) -> None:
    """What `telerun up` has running; exit code 1 when nothing is."""
    server = local_server.running()
    found = LocalProcesses(
        url=server.url if server else None,
        data=server.data if server else None,
        processes=tuple(_processes(server)) if server else (),
    )
    if as_json:
        print_json(found)
    elif server is None:
        click.echo("No local server is running.")
    else:
        rows = table("process", "pid", "up for", "memory")
        for one in found.processes:
            up_for = show_duration(time.time() - one.started_at)
            rows.add_row(cell(one.role), cell(one.pid), cell(up_for), cell(show_size(one.memory_bytes)))
        click.echo(f"{server.url} (data in {server.data})")
        show(rows)
    ctx.exit(0 if server else FAILED)


def _processes(server: local_server.LocalServer) -> list[LocalProcess]:
    supervisor = local_server.process(server)
    if supervisor is None:
        return []
    rows = []
    for one in [supervisor, *supervisor.children()]:
        try:
            with one.oneshot():
                words = " ".join(one.cmdline())
                role = next((role for role in ("server", "executor") if f"telerun_{role} run" in words), "supervisor")
                rows.append(
                    LocalProcess(
                        role=role, pid=one.pid, started_at=one.create_time(), memory_bytes=one.memory_info().rss
                    )
                )
        except psutil.NoSuchProcess:
            continue
    return rows


def require_service() -> None:
    if missing := local_server.missing():
        raise NotConfigured(
            f"A server of your own needs more packages ({', '.join(missing)}).",
            hint="Run pip install 'telerun-magic[all]'.",
        )
