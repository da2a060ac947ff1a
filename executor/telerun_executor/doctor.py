"""Looks whether a machine has what an executor needs, and says what to do about what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime

import msgspec
from rich.console import Console
from rich.table import Table

from telerun_executor.config import Config, Token
from telerun_executor.devices import emulated, nvidia
from telerun_executor.devices.probe import probe
from telerun_executor.runners.sandbox.capabilities import detect, level
from telerun_executor.toolchains.discovery import Tool, find_cuda_tools, find_tool
from telerun_executor.toolchains.emulation import NAME
from telerun_executor.toolchains.shell import SHELL
from telerun_protocol import routes
from telerun_protocol.client import Client
from telerun_protocol.errors import NotConfigured, TelerunError
from telerun_protocol.states import Isolation
from telerun_protocol.units import show_size

LEAST_FREE_BYTES = 2 << 30
MOST_SKEW_S = 60.0
ANSWER_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row. `ok` False with `needed` False is worth knowing, and no problem."""

    what: str
    ok: bool
    found: str
    why: str  # what it is for
    fix: str = ""
    needed: bool = False

    @property
    def is_problem(self) -> bool:
        return self.needed and not self.ok


async def examine(config: Config) -> list[Finding]:
    findings = [*_tools(), *await _gpus(config), _emulation(config), *_isolation(config), _disk(config)]
    if config.server:
        findings += await _server(config)
    return findings


def show(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        rows = [{**asdict(finding), "is_problem": finding.is_problem} for finding in findings]
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(rows)).decode() + "\n")
        return
    table = Table("", "what", "found", "what for", "how to get it", box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]missing[/]" if finding.needed else "[yellow]missing[/]"
        table.add_row(mark, finding.what, finding.found, finding.why, "" if finding.ok else finding.fix)
    Console(width=None if sys.stdout.isatty() else 240).print(table)


def _tools() -> Iterator[Finding]:
    yield Finding(
        what="python", ok=True, found=platform.python_version(), why="runs the executor and Python jobs", needed=True
    )
    cuda = find_cuda_tools()
    apt = "apt-get install {}"
    wheel = "pip install 'telerun-magic[cuda]', or put it on PATH"
    for name, tool, why, fix, needed in (
        ("bash", find_tool(SHELL), "shell jobs, projects with run.sh", apt.format("bash"), True),
        ("gcc", find_tool("gcc"), "C jobs", apt.format("gcc"), True),
        ("g++", find_tool("g++"), "C++ jobs; nvcc needs it too", apt.format("g++"), True),
        ("clang", find_tool("clang"), "jobs that ask for it", apt.format("clang"), False),
        ("nvcc", cuda.nvcc.tool if cuda.nvcc else None, "CUDA jobs", wheel, False),
        ("nvdisasm", cuda.nvdisasm, "SASS views", wheel, False),
        ("cuobjdump", cuda.cuobjdump, "SASS views", wheel, False),
        ("make", find_tool("make"), "projects with a Makefile", apt.format("make"), False),
        ("cmake", find_tool("cmake"), "projects with CMakeLists.txt", apt.format("cmake"), False),
    ):
        yield _tool(name, tool, why, fix, needed=needed)


def _tool(name: str, tool: Tool | None, why: str, fix: str, *, needed: bool) -> Finding:
    found = f"{tool.version} ({tool.path})" if tool else ""
    return Finding(what=name, ok=tool is not None, found=found, why=why, fix=fix, needed=needed)


async def _gpus(config: Config) -> list[Finding]:
    """Each as the executor finds it at its start: a small program has run on it, or the reason why not."""
    devices = nvidia.inventory(visible=os.environ.get(nvidia.VISIBLE)) if config.gpu else ()
    found = []
    for device in devices:
        facts = f"{device.name}, {device.arch}, {show_size(device.memory_bytes)}, driver {device.driver}"
        why = await probe(device)
        fix = "`nvidia-smi`, the kernel's log (`dmesg`), a restart of the driver"
        told = f"{facts}. {why}" if why else facts
        found.append(Finding(what="GPU", ok=not why, found=told, why="runs CUDA programs", fix=fix))
    if not devices:
        where = "switched off" if not config.gpu else ""
        fix = "a machine with an NVIDIA GPU and its driver"
        found.append(Finding(what="GPU", ok=False, found=where, why="runs CUDA programs", fix=fix))
    return found


def _emulation(config: Config) -> Finding:
    why = "runs CUDA programs where there is no GPU"
    try:
        emulation = emulated.set_up(config)
    except NotConfigured as error:
        return Finding(what="CUDA emulation", ok=False, found=str(error), why=why, fix="nvcc and gcc", needed=True)
    found = NAME if emulation else "switched off" if config.emulation is False else ""
    return Finding(what="CUDA emulation", ok=emulation is not None, found=found, why=why, fix="nvcc and gcc")


def _isolation(config: Config) -> Iterator[Finding]:
    """Every part of the sandbox, and how far they isolate jobs together."""
    capabilities = detect()
    for row in capabilities.rows:
        yield Finding(what=row.name, ok=row.ok, found=row.found, why=row.why, fix=row.fix)
    isolation = Isolation.NONE if config.no_sandbox else level(capabilities)[0]
    yield Finding(
        what="isolation",
        ok=isolation.strength >= config.require_isolation.strength,
        found=str(isolation),
        why=f"keeps jobs from each other and from this machine; at least {config.require_isolation!s} is required",
        fix=f"what is missing above, or --require-isolation {isolation!s}",
        needed=True,
    )


def _disk(config: Config) -> Finding:
    folder = config.work_path()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Finding(
        what="disk space",
        ok=free >= LEAST_FREE_BYTES,
        found=f"{show_size(free)} free for {config.work_dir}",
        why=f"jobs' files; {show_size(LEAST_FREE_BYTES)} at least",
        fix="free some, or choose another --work-dir",
        needed=True,
    )


async def _server(config: Config) -> list[Finding]:
    url = config.server_address()
    async with Client(url, ca_file=config.ca_path(), retry_s=ANSWER_WITHIN_S) as client:
        try:
            skew_s = await _skew(client)
        except (TelerunError, ValueError) as error:  # a date that is none: not a Telerun server
            fix = "check the address, the network and that the server runs"
            return [Finding(what="server", ok=False, found=str(error), why="gives the jobs", fix=fix, needed=True)]
    return [
        Finding(what="server", ok=True, found=url, why="gives the jobs", needed=True),
        Finding(
            what="clock",
            ok=abs(skew_s) <= MOST_SKEW_S,
            found=f"{skew_s:+.0f} s against the server's",
            why="times that can be compared",
            fix="set the clock, for example with chrony",
        ),
        await _token(config),
    ]


async def _skew(client: Client) -> float:
    """How far this machine's clock is ahead of the server's, to a second."""
    began = time.time()
    async with await client.open("GET", routes.VERSION) as response:
        told = response.headers.get("Date")
    middle = (began + time.time()) / 2
    return middle - parsedate_to_datetime(told).timestamp() if told else 0.0


async def _token(config: Config) -> Finding:
    why = "says who this executor is"
    fix = "`telerun-server executors add NAME` makes one; give its file with --token-file"
    try:
        token = Token(config.token_path())
        async with Client(config.server_address(), token, ca_file=config.ca_path(), retry_s=ANSWER_WITHIN_S) as client:
            principal = await client.me()
    except TelerunError as error:
        return Finding(what="token", ok=False, found=str(error), why=why, fix=fix, needed=True)
    ok = principal.kind == "executor"
    return Finding(what="token", ok=ok, found=f"{principal.name} ({principal.kind})", why=why, fix=fix, needed=True)
