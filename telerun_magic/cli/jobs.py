"""`telerun list`, `status` and `cancel`."""

from __future__ import annotations

import time
from datetime import datetime

import click

from telerun_magic.cli.app import Settings
from telerun_magic.cli.client import ask, job_id, print_json
from telerun_magic.cli.completion import complete_jobs
from telerun_magic.cli.terminal import cell, clean, show, table
from telerun_magic.render import devices
from telerun_magic.render.usage import usage_text
from telerun_protocol.client import Client
from telerun_protocol.messages import Job, JobList
from telerun_protocol.states import UNFINISHED, State
from telerun_protocol.units import show_duration, show_size

STYLES = {State.SUCCEEDED: "green", State.FAILED: "red", State.CANCELLED: "yellow", State.RUNNING: "cyan"}


@click.command("list")
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only jobs in this state.")
@click.option("--name", help="Only jobs of this name.")
@click.option("--tag", help="Only jobs with this tag.")
@click.option("--notebook", help="Only jobs of this notebook.")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def list_jobs(settings: Settings, /, as_json: bool, limit: int, **filters: str | None) -> None:
    """Your jobs, newest first."""
    given = {key: value for key, value in filters.items() if value is not None}

    async def read(client: Client) -> JobList:
        return await client.jobs(limit=str(limit), **given)

    found = ask(settings, read)
    if as_json:
        print_json(found)
        return
    if not found.jobs:
        click.echo("No jobs." if not given else "No such jobs.")
        return
    rows = table("job", "state", "what", "executor", "submitted", "took")
    for job in found.jobs:
        rows.add_row(
            cell(job.number),
            cell(standing(job), STYLES.get(job.state, "")),
            cell(title(job)),
            cell(job.executor or ""),
            cell(_when(job.created_at)),
            cell(_took(job)),
        )
    show(rows)
    if found.next_before:
        click.echo(f"There are more; --limit {min(500, limit * 5)} shows them.", err=True)


@click.command()
@click.argument("job", shell_complete=complete_jobs)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def status(settings: Settings, job: str, as_json: bool) -> None:
    """What became of a job, and where its time went."""
    wanted = job_id(job)
    found = ask(settings, lambda client: client.job(wanted))
    if as_json:
        print_json(found)
        return
    rows = table("", "")
    rows.show_header = False
    for name, value in _facts(found):
        rows.add_row(cell(name, "bold"), cell(value, STYLES.get(found.state, "") if name == "state" else ""))
    show(rows)


@click.command()
@click.argument("job", required=False, shell_complete=complete_jobs)
@click.option("--latest", is_flag=True, help="Your newest job that has not ended.")
@click.pass_obj
def cancel(settings: Settings, job: str | None, latest: bool) -> None:
    """End a job, whether it waits or runs."""
    if (job is None) != latest:
        raise click.UsageError("Name a job, or give --latest.")
    wanted = job_id(job) if job is not None else None

    async def end(client: Client) -> Job | None:
        chosen = wanted or await _latest(client)
        return await client.cancel(chosen) if chosen else None

    found = ask(settings, end)
    if found is None:
        click.echo("No job of yours is waiting or running.")
    elif found.state is State.CANCELLED:
        click.echo(f"Job {found.number} is cancelled.")
    elif found.state.is_final:
        click.echo(f"Job {found.number} had ended already: {standing(found)}.")
    else:
        click.echo(f"Job {found.number} is being cancelled.")


async def _latest(client: Client) -> str | None:
    jobs = (await client.jobs(state=UNFINISHED, limit="1")).jobs
    return jobs[0].id if jobs else None


def title(job: Job) -> str:
    """What a person would call a job."""
    spec = job.spec
    return spec.name or spec.main_path or (" ".join(spec.args)[:60] if spec.args else spec.language.value)


def standing(job: Job) -> str:
    """State with what makes it clearer."""
    if job.state is State.FAILED and job.reason:
        return f"failed: {job.reason.replace('_', ' ')}"
    if job.state is State.QUEUED and job.queue_position:
        return f"queued, number {job.queue_position}"
    if not job.state.is_final and job.phase:
        return f"{job.state}: {job.phase.replace('_', ' ')}"
    return job.state.value


def _facts(job: Job) -> list[tuple[str, str]]:
    spec, result = job.spec, job.result
    facts = [
        ("job", f"{job.number} ({job.id})"),
        ("state", standing(job) + (" (cancel requested)" if job.cancel_requested and not job.state.is_final else "")),
        ("why", f"{result.message} {result.hint}".strip() if result else _waiting(job)),
        ("what", f"{title(job)} ({spec.language})"),
        ("arguments", " ".join(spec.args)),
        ("submitted", _when(job.created_at)),
        *(("", f"{phase}: {took}") for phase, took in _phases(job)),
        ("took", _took(job)),
        ("executor", job.executor or ""),
        ("attempt", str(job.attempt) if job.attempt > 1 else ""),
        ("uses now", usage_text(job.usage) if job.usage else ""),
    ]
    if result:
        facts += [
            ("exit code", "" if result.exit_code is None else str(result.exit_code)),
            ("signal", result.signal_name or ("" if result.signal is None else str(result.signal))),
            ("device", devices.names(result.devices)),
            *(("device use", devices.used(use)) for use in result.device_use),
            ("used", usage_text(result.usage) if result.usage else ""),
            ("isolation", result.isolation.value),
            ("toolchain", result.toolchain),
            *(("note", note) for note in result.notes),
            *(("file", f"{one.path} ({show_size(one.size_bytes)})") for one in result.artifacts),
        ]
    return [(name, value) for name, value in facts if value and clean(value)]


def _waiting(job: Job) -> str:
    return f"waiting for {job.waiting_for}" if job.waiting_for else ""


def _phases(job: Job) -> list[tuple[str, str]]:
    ends = [*(phase.started_at for phase in job.phases[1:]), job.finished_at or time.time()]
    return [
        (phase.phase.replace("_", " "), show_duration(end - phase.started_at))
        for phase, end in zip(job.phases, ends, strict=False)  # without a phase there is no end either
    ]


def _when(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _took(job: Job) -> str:
    return show_duration(job.finished_at - job.created_at) if job.finished_at else ""
