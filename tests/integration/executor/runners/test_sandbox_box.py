"""What a box of the sandbox has of its own, as the machine's root makes it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests_runners import RUNNERS, Taker, python

from telerun_executor.runners.base import Runner, Terms
from telerun_executor.runners.sandbox import held
from telerun_executor.runners.sandbox.runner import RUN
from telerun_protocol.messages import Limits

SERVES = """
import os, socket
print(os.readlink("/proc/self/ns/net"), [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line])
server = socket.socket()
server.bind(("127.0.0.1", 5000))
server.listen()
client = socket.create_connection(("127.0.0.1", 5000))
taken, _ = server.accept()
taken.close()  # first: its end then holds the address for a minute
client.recv(1)
"""
TERMINAL = """
import os, pty
ours, theirs = pty.openpty()
print(os.ttyname(theirs), sorted(os.listdir("/dev/pts")))
os.write(theirs, b"echo")
print(os.read(ours, 10))
"""
NEIGHBOURS = """
import os, sys
for tried in (os.listdir, os.open):
    try:
        print(tried(sys.argv[1 if tried is os.listdir else 2], *() if tried is os.listdir else (os.O_RDONLY,)))
    except OSError as error:
        print(error.strerror)
"""
DEVICES = """
import os, stat
kinds = {name: stat.S_ISCHR(os.stat(f"/dev/{name}").st_mode) for name in ("null", "zero", "full", "random", "urandom")}
print(kinds, os.path.exists("/dev/kmsg"), open("/dev/zero", "rb").read(2))
attempts = "open('/dev/null', 'w').write('x')", "open('/dev/x', 'w')", "os.chmod('/dev/null', 0)", "os.mkdir('/x')"
for attempt in attempts:
    try:
        exec(attempt)
        print("ok")
    except OSError as error:
        print(error.strerror)
"""


@pytest.fixture(params=["sandbox", "sandbox-of-root"])
async def runner(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runner]:
    runner = RUNNERS[request.param](tmp_path)
    await runner.start(2)
    yield runner
    await runner.close()


async def printed(runner: Runner, source: str, *args: str, name: str = "job", network: bool = False) -> list[str]:
    taker = Taker()
    async with runner.workspace(name) as workspace, runner.open(workspace, Limits(), Terms(network=network)) as box:
        ended = await box.run(python(workspace, source, *args), taker)
    assert ended.ok, taker.err
    return taker.out.decode().splitlines()


async def test_every_command_has_an_empty_network_of_its_own(runner: Runner) -> None:
    ours = Path("/proc/self/ns/net").readlink()
    for _ in range(3):  # none of them finds the address in use that another has just left
        (told,) = await printed(runner, SERVES)
        assert told.endswith("['lo']")
        assert not told.startswith(str(ours))


async def test_who_may_have_the_network_has_the_machines(runner: Runner) -> None:
    source = "import os; print(os.readlink('/proc/self/ns/net'))"
    assert await printed(runner, source, network=True) == [str(Path("/proc/self/ns/net").readlink())]
    assert await printed(runner, source) != [str(Path("/proc/self/ns/net").readlink())]


async def test_two_jobs_have_terminals_of_their_own(runner: Runner) -> None:
    both = await asyncio.gather(*(printed(runner, TERMINAL, name=name) for name in ("one", "two")))
    assert both == [["/dev/pts/0 ['0', 'ptmx']", "b'echo'"]] * 2


async def test_the_names_of_other_jobs_are_not_to_be_had(runner: Runner) -> None:
    async with runner.workspace("other") as other:
        jobs = str(other.root.parent)
        told = await printed(runner, NEIGHBOURS, jobs, str(other.src))
    assert told[0] in {"['job']", "Permission denied"}
    assert told[1] in {"No such file or directory", "Permission denied"}


async def test_there_are_the_harmless_devices_and_no_others(runner: Runner) -> None:
    kinds, *attempts = await printed(runner, DEVICES)
    assert kinds == f"{dict.fromkeys(('null', 'zero', 'full', 'random', 'urandom'), True)} False {bytes(2)!r}"
    assert attempts[0] == "ok"
    assert set(attempts[1:]) <= {"Read-only file system", "Permission denied", "Operation not permitted"}


async def test_places_of_dead_executors_are_removed_and_no_others(tmp_path: Path) -> None:
    dead, living = RUN / "00000000dead", RUN / "0000000a11fe"
    fd = held.hold(living)
    dead.mkdir(parents=True, exist_ok=True)
    runner = RUNNERS["sandbox"](tmp_path)
    try:
        await runner.start(1)
        assert not dead.exists()
        assert living.exists()
    finally:
        await runner.close()
        living.rmdir()
        os.close(fd)
