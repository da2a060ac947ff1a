"""What every runner must do, whatever it isolates with."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from telerun_executor.runners.base import Box, Command, ProcessExit, Runner, Terms
from telerun_executor.runners.launch import end_leftovers
from telerun_executor.runners.process import ProcessRunner
from telerun_executor.runners.sandbox import storage
from telerun_executor.runners.sandbox.bubblewrap import Mode
from telerun_executor.runners.sandbox.cgroups.find import find
from telerun_executor.runners.sandbox.runner import Host, SandboxRunner
from telerun_executor.runners.sandbox.settings import SandboxSettings
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import SandboxError
from telerun_protocol.messages import Device, Limits
from telerun_protocol.states import Isolation, Reason, StreamId

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


@pytest.fixture(params=RUNNERS.values(), ids=RUNNERS)
async def runner(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runner]:
    runner: Runner = request.param(tmp_path)
    await runner.start(2)
    yield runner
    await runner.close()


@pytest.fixture
async def workspace(runner: Runner) -> AsyncIterator[Workspace]:
    async with runner.workspace("job") as workspace:
        yield workspace


@pytest.fixture
def box(runner: Runner, workspace: Workspace) -> Callable[..., AbstractAsyncContextManager[Box]]:
    def open_box(devices: tuple[Device, ...] = (), **limits: Any) -> AbstractAsyncContextManager[Box]:
        return runner.open(workspace, Limits(**limits), Terms(devices=devices))

    return open_box


@pytest.fixture
def taker() -> Taker:
    return Taker()


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


async def test_a_workspace_lasts_as_long_as_its_job(runner: Runner, tmp_path: Path) -> None:
    async with runner.workspace("a") as gone, runner.workspace("b", keep=True) as kept:
        for workspace in (gone, kept):
            assert workspace.out.is_dir()
            assert workspace.tmp.is_dir()
        (kept.out / "file").write_text("kept")
        os.mkfifo(kept.out / "pipe")
    assert not gone.root.exists()
    assert (tmp_path / "jobs" / "b" / "run" / "work" / "out" / "file").read_text() == "kept"


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


async def test_usage_is_measured(box: Any, workspace: Workspace, taker: Taker) -> None:
    source = "import time\nx = b'a' * (150 << 20)\nt = time.process_time()\nwhile time.process_time() < t + 0.3: pass\n"
    async with box() as opened:
        ended = await opened.run(python(workspace, source), taker)
    assert ended.cpu_time_s >= 0.3
    assert ended.wall_time_s >= 0.3
    assert ended.peak_memory_bytes >= 150 << 20


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


@pytest.mark.parametrize(
    ("limits", "source", "reason"),
    [
        ({"memory_bytes": 100 << 20}, "x = b'a' * (300 << 20)\nimport time; time.sleep(600)", Reason.MEMORY_LIMIT),
        ({"memory_bytes": 100 << 20}, "x = b'a' * (160 << 20)", Reason.MEMORY_LIMIT),
        ({"cpu_time_s": 0.3}, "while True: pass", Reason.CPU_TIME_LIMIT),
        ({"disk_bytes": 1 << 20}, "open('x', 'wb').write(bytes(900 << 10)); open('y', 'wb').write(bytes(900 << 10))\n"
         "import time; time.sleep(600)", Reason.DISK_LIMIT),
        ({"processes": 3}, "import subprocess\nc = [subprocess.Popen(['sleep', '600']) for _ in range(6)]\nc[0].wait()",
         Reason.PROCESS_LIMIT),
    ],
    ids=["memory", "memory-quickly", "cpu", "disk", "processes"],
)  # fmt: skip
async def test_limits(
    box: Any, workspace: Workspace, taker: Taker, limits: dict[str, Any], source: str, reason: Reason
) -> None:
    async with box(**limits) as opened:
        ended: ProcessExit = await opened.run(python(workspace, source), taker)
        assert ended.reason is reason, ended
        assert alive(workspace) == []


async def test_a_large_file_meets_the_disk_limit(box: Any, workspace: Workspace, taker: Taker) -> None:
    command = Command(argv=("dd", "if=/dev/zero", "of=x", "bs=1M", "count=20"), cwd=workspace.work, env=PATH)
    async with box(disk_bytes=4 << 20) as opened:
        assert (await opened.run(command, taker)).reason is Reason.DISK_LIMIT
    assert (workspace.work / "x").stat().st_size <= 4 << 20


async def test_within_its_limits_a_command_is_left_alone(box: Any, workspace: Workspace, taker: Taker) -> None:
    limits = {"memory_bytes": 300 << 20, "cpu_time_s": 20, "disk_bytes": 1 << 20, "processes": 8}
    source = "import subprocess, time\nopen('x', 'w').write('y' * 1000)\nsubprocess.run(['true'])\ntime.sleep(0.7)"
    async with box(**limits) as opened:
        ended = await opened.run(python(workspace, source), taker)
    assert ended.ok, ended


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
