"""A job with one of two GPUs cannot reach the other: with device files of the driver's numbers, but no driver."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests_hostile import cannot_run

IN_BOX = """
import errno, json, os
def tried(call, *args):
    try:
        call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"
told = {name: tried(os.open, f"/dev/{name}", os.O_RDWR) for name in ("nvidia0", "nvidia1", "nvidiactl", "null")}
told["mknod"] = tried(os.mknod, "gpu", 0o20666, os.makedev(195, 1))
told["visible"] = sorted(name for name in os.listdir("/dev") if name.startswith("nvidia"))
print(json.dumps(told))
"""
MACHINE = f"""
import asyncio, os, subprocess, sys, tempfile
from pathlib import Path
from telerun_executor.devices.nodes import DeviceNode
from telerun_executor.runners.base import Command, Terms
from telerun_executor.runners.sandbox import runner as module
from telerun_executor.runners.sandbox.bubblewrap import Mode
from telerun_executor.runners.sandbox.cgroups.find import find
from telerun_executor.runners.sandbox.settings import SandboxSettings
from telerun_protocol.messages import Device, Limits
from telerun_protocol.states import Isolation

subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/dev"], check=True)
os.umask(0)
for name, major, minor in (
    ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
    ("nvidia0", 195, 0), ("nvidia1", 195, 1), ("nvidiactl", 195, 255),
):
    os.mknod(f"/dev/{{name}}", 0o20666, os.makedev(major, minor))
os.mkdir("/dev/shm")
own = (("nvidia0", 0), ("nvidiactl", 255))
nodes = [DeviceNode(path=Path(f"/dev/{{name}}"), major=195, minor=minor) for name, minor in own]
module.nodes_for = lambda devices: nodes if devices else ()

async def main(folder):
    hierarchy, why = find(f"fake-gpus-{{os.getpid()}}")
    host = module.Host(isolation=Isolation.FULL, mode=Mode.SLOT_USER, bwrap=Path("/usr/bin/bwrap"), hierarchy=hierarchy)
    python = [Path(sys.base_prefix), Path(sys.prefix)]
    runner = module.SandboxRunner(host, folder / "jobs", folder / "records", settings=SandboxSettings(), visible=python)
    async def show(stream, data):
        os.write(stream, data)
    await runner.start(1)
    try:
        async with runner.workspace("job") as workspace:
            terms = Terms(devices=(Device(kind="nvidia", name="fake", id="GPU-0"),))
            async with runner.open(workspace, Limits(), terms) as box:
                command = Command(argv=(sys.executable, "-c", {IN_BOX!r}), cwd=workspace.work)
                assert (await box.run(command, show)).exit_code == 0
    finally:
        await runner.close()

with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder)))
"""


def test_g4_the_other_gpu_is_out_of_reach() -> None:
    if reason := cannot_run():
        pytest.skip(reason)
    argv = ["unshare", "-m", "--propagation", "private", sys.executable, "-c", MACHINE]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "nvidia0": "ENXIO",  # it may be opened, and there is no driver behind it
        "nvidiactl": "ENXIO",
        "nvidia1": "ENOENT",
        "null": "ok",
        "mknod": "EPERM",
        "visible": ["nvidia0", "nvidiactl"],
    }
