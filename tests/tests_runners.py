"""Every kind of runner as tests use it, and what they give it to run."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from telerun_executor.runners.base import Command, Runner
from telerun_executor.runners.process import ProcessRunner
from telerun_executor.runners.sandbox import storage
from telerun_executor.runners.sandbox.bubblewrap import Mode
from telerun_executor.runners.sandbox.cgroups.find import find
from telerun_executor.runners.sandbox.runner import Host, SandboxRunner
from telerun_executor.runners.sandbox.settings import SandboxSettings
from telerun_executor.workspace import Workspace
from telerun_protocol.messages import Device
from telerun_protocol.states import Isolation, StreamId

PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
GPU = Device(kind="nvidia", name="One", id="GPU-1234", arch="sm_90")


class Taker:
    """Takes what commands print."""

    def __init__(self) -> None:
        self.streams: dict[int, bytes] = {}
        self.changed = asyncio.Event()

    async def __call__(self, stream: int, data: bytes) -> None:
        self.streams[stream] = self.streams.get(stream, b"") + data
        self.changed.set()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(30):
            while not any(text in data for data in self.streams.values()):
                self.changed.clear()
                await self.changed.wait()

    @property
    def out(self) -> bytes:
        return self.streams.get(StreamId.STDOUT, b"")

    @property
    def err(self) -> bytes:
        return self.streams.get(StreamId.STDERR, b"")


def process_runner(folder: Path) -> Runner:
    return ProcessRunner(folder / "jobs", folder / "processes")


def sandbox(mode: Mode) -> Callable[[Path], Runner]:
    """The sandbox as root has it, or as anybody has it who can do no more than start bubblewrap."""

    def make(folder: Path) -> Runner:
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            pytest.skip("bubblewrap is not installed")
        if os.geteuid() != 0:
            pytest.skip("needs root, to become the users of the boxes")
        hierarchy = None
        if mode is not Mode.OWN_USER:
            private_mounts()
            hierarchy, why = find(f"test-{os.getpid()}")
            if hierarchy is None:
                pytest.skip(f"no cgroups can be used here: {' '.join(why)}")
        host = Host(isolation=Isolation.FULL, mode=mode, bwrap=Path(bwrap), hierarchy=hierarchy)
        visible = [Path(sys.base_prefix), Path(sys.prefix)]
        return SandboxRunner(
            host, folder / "jobs", folder / "processes", settings=SandboxSettings(files=1000), visible=visible
        )

    return make


@functools.cache
def private_mounts() -> None:
    storage.enter_private_namespace()


RUNNERS = {"process": process_runner, "sandbox": sandbox(Mode.SLOT_USER), "sandbox-of-root": sandbox(Mode.ROOT)}


def python(workspace: Workspace, source: str, *args: str, **more: Any) -> Command:
    """A Python program; it is told a word that its processes can be found by."""
    argv = (sys.executable, "-c", source, *args)
    return Command(argv=argv, cwd=workspace.work, env={**PATH, "WORD": str(workspace.root)}, **more)


def alive(workspace: Workspace) -> list[psutil.Process]:
    """What is left of a job, found by its word or its current folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get("WORD") == str(workspace.root) or process.cwd().startswith(str(workspace.root)):
                found.append(process)
        except psutil.Error:
            continue
    return found


LEAVES = """
import os, subprocess, sys, time
subprocess.Popen(["sleep", "600"])
subprocess.Popen(["sleep", "600"], start_new_session=True, env={"PATH": os.environ["PATH"]})
if child := os.fork():
    os.waitpid(child, 0)
else:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
print("begun", flush=True)
"""
