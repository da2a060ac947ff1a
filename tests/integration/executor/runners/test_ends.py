"""Nothing of a command outlives it, however it, its launcher or its executor ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests_runners import LEAVES, Taker, alive, python

from telerun_executor.runners.base import ProcessExit
from telerun_executor.runners.launch import end_leftovers
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import SandboxError


async def test_nothing_outlives_the_command(box: Any, workspace: Workspace, taker: Taker) -> None:
    """Not children, not daemons, not what holds the pipes open."""
    async with box() as opened:
        ended = await opened.run(python(workspace, LEAVES), taker)
        assert ended.ok
        assert alive(workspace) == []
    assert taker.out == b"begun\n"


async def test_cancelling_ends_everything_and_keeps_the_output(box: Any, workspace: Workspace, taker: Taker) -> None:
    source = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LEAVES + "time.sleep(600)"
    async with box() as opened:
        task = asyncio.ensure_future(opened.run(python(workspace, source), taker))
        await taker.until(b"begun")
        assert len(alive(workspace)) >= 4
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert alive(workspace) == []
    assert taker.out == b"begun\n"


async def test_a_cancelled_command_has_used_what_it_used(box: Any, workspace: Workspace, taker: Taker) -> None:
    source = "import time\nx = b'a' * (100 << 20)\nwhile time.process_time() < 0.2: pass\n"
    source += "print('begun', flush=True)\ntime.sleep(600)"
    told: list[ProcessExit] = []
    async with box() as opened:
        assert (await opened.run(python(workspace, "exit(3)"), taker, told.append)) == told[0]
        task = asyncio.ensure_future(opened.run(python(workspace, source), taker, told.append))
        await taker.until(b"begun")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    _, ended = told
    assert (ended.signal, ended.reason) == (signal.SIGTERM, None)
    assert ended.cpu_time_s >= 0.2
    assert ended.wall_time_s >= 0.2
    assert ended.peak_memory_bytes >= 100 << 20


async def test_a_cancelled_command_may_say_goodbye(box: Any, workspace: Workspace, taker: Taker) -> None:
    source = """
import os, signal, sys, time
def end(*_):
    os.write(1, b"goodbye\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("begun", flush=True)
time.sleep(600)
"""
    async with box() as opened:
        task = asyncio.ensure_future(opened.run(python(workspace, source), taker))
        await taker.until(b"begun")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert taker.out == b"begun\ngoodbye\n"


async def test_a_second_cancel_does_without_grace(box: Any, workspace: Workspace, taker: Taker) -> None:
    source = "import os, signal, time\nsignal.signal(signal.SIGTERM, lambda *_: os.write(1, b'term'))\n"
    source += "print('begun', flush=True)\nwhile True: time.sleep(600)"
    async with box() as opened:
        task = asyncio.ensure_future(opened.run(python(workspace, source), taker))
        await taker.until(b"begun")
        task.cancel()
        await taker.until(b"term")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert alive(workspace) == []


async def test_the_box_serves_on_after_a_cancel(box: Any, workspace: Workspace, taker: Taker) -> None:
    async with box() as opened:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await opened.run(python(workspace, "import time; time.sleep(600)"), taker)
        assert (await opened.run(python(workspace, "print('still')"), taker)).ok
    assert taker.out == b"still\n"


EXECUTOR = """
import asyncio, sys
from pathlib import Path
from telerun_executor.runners.base import Command, Terms
from telerun_executor.runners.process import ProcessRunner
from telerun_executor.workspace import Workspace
from telerun_protocol.messages import Limits

async def show(stream, data):
    print(data.decode(), end="", flush=True)

async def main():
    root = Path(sys.argv[1])
    workspace = Workspace(root)
    env = {"PATH": "/usr/bin:/bin", "WORD": str(root)}
    command = Command(argv=(sys.executable, "-c", sys.argv[2]), cwd=workspace.work, env=env)
    async with ProcessRunner(root.parent, root.parent / "processes").open(workspace, Limits(), Terms()) as box:
        await box.run(command, show)

asyncio.run(main())
"""


@asynccontextmanager
async def executor_like(workspace: Workspace) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that runs a command which leaves others, and has begun."""
    source = LEAVES + "time.sleep(600)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", EXECUTOR, str(workspace.root), source, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    assert await process.stdout.readline() == b"begun\n"
    assert len(alive(workspace)) >= 4
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


async def test_jobs_die_with_a_killed_executor(workspace: Workspace) -> None:
    async with executor_like(workspace) as process:
        process.kill()
        await process.wait()
        deadline = time.monotonic() + 20
        while alive(workspace) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert alive(workspace) == []


async def test_leftovers_are_ended_at_the_next_start(workspace: Workspace) -> None:
    """Even a launcher that hangs, and so does not notice that its executor is gone."""
    records = workspace.root.parent / "processes"
    async with executor_like(workspace) as process:
        (record,) = records.iterdir()
        os.kill(int(record.name), signal.SIGSTOP)
        process.kill()
        await process.wait()
        assert alive(workspace)
        (records / "1").write_text("123.0")  # a number that has been given to another process since
        assert end_leftovers(records) >= 4
        assert alive(workspace) == []
        assert list(records.iterdir()) == []


async def test_a_killed_launcher_is_our_failure_not_the_programs(
    box: Any, workspace: Workspace, taker: Taker, tmp_path: Path
) -> None:
    async with box() as opened:
        task = asyncio.ensure_future(opened.run(python(workspace, LEAVES + "time.sleep(600)"), taker))
        await taker.until(b"begun")
        for launcher in (psutil.Process(int(record.name)) for record in (tmp_path / "processes").iterdir()):
            if launcher.children():
                launcher.kill()
        with pytest.raises(SandboxError):
            await task
        assert (await opened.run(python(workspace, "print('next')"), taker)).ok
    assert taker.out == b"begun\nnext\n"
