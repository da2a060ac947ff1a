"""`telerun limits`, `executors` and `version`: what the server is and has."""

from __future__ import annotations

import importlib.metadata

import click
import msgspec

from telerun_magic.cli.app import Settings
from telerun_magic.cli.client import ask, print_json
from telerun_magic.cli.terminal import cell, clean, show, table
from telerun_magic.render import devices
from telerun_protocol import PROTOCOL_VERSION
from telerun_protocol.client import Client
from telerun_protocol.errors import NotConfigured
from telerun_protocol.limits import OPTIONS, show_limit
from telerun_protocol.matching import is_gpu
from telerun_protocol.messages import ExecutorList, Version
from telerun_protocol.units import show_duration, show_size


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def limits(settings: Settings, as_json: bool) -> None:
    """What a job gets when it asks for nothing, and what it may ask for."""
    found = ask(settings, lambda client: client.limits())
    if as_json:
        print_json(found)
        return
    rows = table("limit", "default", "at most", "ask with")
    defaults, maxima = msgspec.to_builtins(found.defaults), msgspec.to_builtins(found.maxima)
    for name in found.defaults.__struct_fields__:
        granted = [show_limit(name, value) if (value := of[name]) else "unlimited" for of in (defaults, maxima)]
        rows.add_row(cell(_spoken(name)), *map(cell, granted), cell(OPTIONS[name]))
    rows.add_row(cell("one file"), cell(""), cell(show_size(found.blob_bytes)), cell(""))
    rows.add_row(cell("queued jobs of yours"), cell(""), cell(found.queued_jobs_per_user), cell(""))
    rows.add_row(cell("results are kept"), cell(show_duration(found.retention_s)), cell(""), cell(""))
    rows.add_row(cell("GPU architectures"), cell(" ".join(found.archs)), cell(""), cell(""))
    emulation = "where there is no GPU" if found.emulation == "allow" else "only when asked for"
    rows.add_row(cell("CUDA emulation on the CPU"), cell(emulation), cell(""), cell("--emulate, --no-emulate"))
    show(rows)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def executors(settings: Settings, as_json: bool) -> None:
    """The machines that run jobs, and what they have."""
    found = ask(settings, lambda client: client.executors())
    if as_json:
        print_json(found)
        return
    if not found.executors:
        click.echo("No executor has registered yet: jobs wait until one does.")
        return
    rows = table("executor", "", "process", "busy", "devices", "languages", "isolation")
    for one in found.executors:
        rows.add_row(
            cell(one.name),
            cell("online", "green") if one.online else cell("offline", "red"),
            cell(f"{one.info.host} {one.info.instance[:6]}".strip()),
            cell(f"{one.busy} of {one.info.slots}"),
            cell(devices.names(one.info.devices) or "none"),
            cell(" ".join(tool.language for tool in one.info.toolchains)),
            cell(one.info.isolation.value),
        )
    show(rows)
    _show_gpus(found)


def _show_gpus(found: ExecutorList) -> None:
    """What each GPU does now, where there are any."""
    rows = table("GPU", "of", "id", "", "busy", "memory", "power", "")
    for one in found.executors:
        gpus = {device.id: device for device in one.info.devices if is_gpu(device)}
        for reading in one.readings:
            if gpu := gpus.get(reading.id):
                state = cell(devices.state(reading), "red" if reading.quarantined else "")
                rows.add_row(cell(gpu.name), cell(one.name), cell(gpu.id), state, *map(cell, devices.doing(reading)))
    if rows.row_count:
        click.echo()
        show(rows)


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """What `version --json` prints. Without a server its parts are null."""

    client: str
    protocol: int
    url: str | None = None
    server: str | None = None
    server_protocol: int | None = None
    features: tuple[str, ...] = ()


@click.command()
@click.option("--offline", is_flag=True, help="Do not ask the server.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def version(settings: Settings, offline: bool, as_json: bool) -> None:
    """Versions of this client, of the server and of what they speak."""
    mine = Versions(client=importlib.metadata.version("telerun-magic"), protocol=PROTOCOL_VERSION)
    if not offline:
        mine = _asked(settings, mine)
    if as_json:
        print_json(mine)
        return
    click.echo(f"client  {mine.client} (protocol {mine.protocol})")
    if mine.server is not None:
        click.echo(f"server  {clean(mine.server)} (protocol {mine.server_protocol}) at {mine.url}")
    elif not offline:
        click.echo("server  none configured or running")


def _asked(settings: Settings, mine: Versions) -> Versions:
    try:
        theirs, url = ask(settings, _read_version, start=False)
    except NotConfigured:
        return mine
    return msgspec.structs.replace(
        mine, url=url, server=theirs.version, server_protocol=theirs.protocol, features=theirs.features
    )


async def _read_version(client: Client) -> tuple[Version, str]:
    return await client.version(), client.url


def _spoken(name: str) -> str:
    return name.removesuffix("_s").removesuffix("_bytes").replace("_", " ")
