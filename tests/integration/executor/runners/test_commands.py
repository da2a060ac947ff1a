"""What every runner must do with a command, whatever it isolates with."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests_runners import GPU, PATH, Taker, python

from telerun_executor.runners.base import Command, Runner
from telerun_executor.runners.sandbox.runner import SandboxRunner
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import SandboxError
from telerun_protocol.states import StreamId


async def test_a_workspace_lasts_as_long_as_its_job(runner: Runner, tmp_path: Path) -> None:
    async with runner.workspace("a") as gone, runner.workspace("b", keep=True) as kept:
        for workspace in (gone, kept):
            assert workspace.out.is_dir()
            assert workspace.tmp.is_dir()
        (kept.out / "file").write_text("kept")
        os.mkfifo(kept.out / "pipe")
    assert not gone.root.exists()
    assert (tmp_path / "jobs" / "b" / "run" / "work" / "out" / "file").read_text() == "kept"
    assert not any(path.is_char_device() for path in (tmp_path / "jobs" / "b").rglob("*"))


async def test_output_is_kept_apart_and_complete(box: Any, workspace: Workspace, taker: Taker) -> None:
    source = "import os\nos.write(1, bytes(range(256)) * 4000)\nos.write(2, b'\\xff')"
    async with box() as opened:
        ended = await opened.run(python(workspace, source), taker)
    assert ended.ok
    assert taker.out == bytes(range(256)) * 4000
    assert taker.err == b"\xff"


async def test_streams_are_named_by_the_command(box: Any, workspace: Workspace, taker: Taker) -> None:
    command = python(workspace, "import os; os.write(1, b'a'); os.write(2, b'b')", stdout=3, stderr=3)
    async with box() as opened:
        await opened.run(command, taker)
    assert sorted(taker.streams[StreamId.COMPILE]) == sorted(b"ab")


async def test_standard_output_can_go_to_a_file(box: Any, workspace: Workspace, taker: Taker) -> None:
    file = workspace.build / "listing"
    file.write_text("what was there before and is longer")
    async with box() as opened:
        await opened.run(python(workspace, "import os; os.write(1, b'a'); os.write(2, b'b')", stdout_file=file), taker)
    assert file.read_bytes() == b"a"
    assert taker.streams == {StreamId.STDERR: b"b"}


@pytest.mark.parametrize("code", [0, 1, 42, 137, 255])
async def test_exit_codes(box: Any, workspace: Workspace, taker: Taker, code: int) -> None:
    async with box() as opened:
        ended = await opened.run(python(workspace, f"raise SystemExit({code})"), taker)
    assert (ended.exit_code, ended.signal, ended.reason) == (code, None, None)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
async def test_signals(box: Any, workspace: Workspace, taker: Taker, number: signal.Signals) -> None:
    async with box() as opened:
        ended = await opened.run(python(workspace, f"import os; os.kill(os.getpid(), {int(number)})"), taker)
    assert (ended.exit_code, ended.signal, ended.reason) == (None, number, None)


async def test_signals_are_at_their_defaults(box: Any, workspace: Workspace, taker: Taker) -> None:
    """A program like `head` ends its writer by SIGPIPE; Ctrl-C and SIGTERM can be handled, however we were started."""
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)  # as a shell does to what it starts in the background
    try:
        async with box() as opened:
            argv = ("grep", "-E", "Sig(Ign|Blk)", "/proc/self/status")
            await opened.run(Command(argv=argv, cwd=workspace.work, env=PATH), taker)
    finally:
        signal.signal(signal.SIGQUIT, before)
    settable = sum(1 << number - 1 for number in signal.valid_signals())  # the C library keeps 32 and 33 for itself
    masks = [int(line.split()[1], 16) & settable for line in taker.out.splitlines()]
    assert masks == [0, 0]


async def test_a_program_that_is_not_there(box: Any, workspace: Workspace, taker: Taker) -> None:
    async with box() as opened:
        ended = await opened.run(Command(argv=("no-such-program",), cwd=workspace.work, env=PATH), taker)
        assert ended.exit_code == 127
        assert b"no-such-program" in taker.err
        (workspace.work / "text").write_text("no program")
        ended = await opened.run(Command(argv=("./text",), cwd=workspace.work, env=PATH), taker)
        assert ended.exit_code == 126


async def test_the_environment_is_what_was_given(
    box: Any, workspace: Workspace, taker: Taker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    async with box() as opened:
        command = Command(argv=("env", "-0"), cwd=workspace.work, env={**PATH, "A": "b=c\nd"})
        await opened.run(command, taker)
        told = opened.environment(command)
    found = dict(entry.split("=", 1) for entry in taker.out.decode().rstrip("\0").split("\0"))
    assert found == told
    assert found["A"] == "b=c\nd"
    assert set(found) == {"PATH", "A", "CUDA_VISIBLE_DEVICES", "TMPDIR"}


async def test_only_the_given_devices_are_visible(runner: Runner, box: Any, workspace: Workspace, taker: Taker) -> None:
    command = Command(argv=("printenv", "CUDA_VISIBLE_DEVICES"), cwd=workspace.work, env=PATH)
    if isinstance(runner, SandboxRunner):  # it gives a job the device's files, and this device has none
        with pytest.raises(SandboxError):
            async with box((GPU,)):
                pass
        return
    async with box((GPU,)) as opened:
        await opened.run(command, taker)
    assert taker.out == b"GPU-1234\n"
    async with box() as opened:
        await opened.run(command, taker)
    assert taker.out == b"GPU-1234\n\n"


async def test_nothing_but_the_three_streams_is_open(box: Any, workspace: Workspace, taker: Taker) -> None:
    async with box() as opened:
        await opened.run(Command(argv=("ls", "/proc/self/fd"), cwd=workspace.work, env=PATH), taker)
    assert set(taker.out.split()) <= {b"0", b"1", b"2", b"3"}  # the last is ls's own


async def test_standard_input(box: Any, workspace: Workspace, taker: Taker) -> None:
    workspace.stdin.write_bytes(b"\x00in")
    async with box() as opened:
        await opened.run(Command(argv=("cat",), cwd=workspace.work, env=PATH, stdin=workspace.stdin), taker)
        await opened.run(Command(argv=("cat",), cwd=workspace.work, env=PATH), taker)
    assert taker.out == b"\x00in"


async def test_a_job_goes_before_the_executor_when_memory_runs_out(
    box: Any, workspace: Workspace, taker: Taker
) -> None:
    async with box() as opened:
        await opened.run(Command(argv=("cat", "/proc/self/oom_score_adj"), cwd=workspace.work, env=PATH), taker)
    assert int(taker.out) > int(Path("/proc/self/oom_score_adj").read_text())


async def test_long_arguments_arrive(box: Any, workspace: Workspace, taker: Taker) -> None:
    args = ["x" * 100_000, "", "a b", "'\"$`\\\n*", "ü"]
    async with box() as opened:
        await opened.run(python(workspace, "import sys; print(ascii(sys.argv[1:]))", *args), taker)
    assert taker.out.decode().strip() == ascii(args)


async def test_commands_side_by_side(box: Any, workspace: Workspace, taker: Taker) -> None:
    """Each waits for a file that the other writes; the end of one does not touch the other."""
    source = """
import sys, time, pathlib
mine, other = map(pathlib.Path, sys.argv[1:3])
mine.touch()
while not other.exists():
    time.sleep(0.01)
time.sleep(float(sys.argv[3]))
print("done")
"""
    async with box() as opened, asyncio.TaskGroup() as group:
        first = group.create_task(opened.run(python(workspace, source, "a", "b", "0"), taker))
        second = group.create_task(opened.run(python(workspace, source, "b", "a", "0.5"), taker))
    assert first.result().ok
    assert second.result().ok
    assert taker.out == b"done\ndone\n"


async def test_a_slow_taker_slows_the_command(box: Any, workspace: Workspace) -> None:
    """Output nobody takes does not gather without bound."""
    may_go = asyncio.Event()
    taken = 0

    async def slow(_: int, data: bytes) -> None:
        nonlocal taken
        await may_go.wait()
        taken += len(data)

    source = "import os\nfor n in range(64):\n  os.write(1, bytes(1 << 20))\n  open(f'n{n}', 'w').close()"
    async with box() as opened:
        task = asyncio.ensure_future(opened.run(python(workspace, source), slow))
        await asyncio.sleep(1.0)
        assert not task.done()
        assert len(list(workspace.work.glob("n*"))) < 8
        may_go.set()
        assert (await task).ok
    assert taken == 64 << 20
