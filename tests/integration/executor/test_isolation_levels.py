"""A real executor on a machine that lacks something: it does not start, or says with each job how that was isolated."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests_processes import ServerProcess

from telerun_executor.runners.sandbox import slots
from telerun_executor.runners.sandbox.cgroups.find import find
from telerun_protocol.states import Isolation, Language

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="takes root to take something away from a process"),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]
START_S = 60
CGROUPS = Path("/sys/fs/cgroup")
SETTINGS = """
[sandbox]
cpus = 2.0

[sandbox.classes.student]
cpus = 0.5
memory_high_bytes = 67108864
"""


def in_namespace(*commands: str) -> tuple[str, ...]:
    return ("unshare", "--mount", "sh", "-c", "; ".join(("set -e", *commands, 'exec "$@"')), "sh")


NO_BUBBLEWRAP = in_namespace('mount --bind /dev/null "$(command -v bwrap)"')
NO_CGROUPS = in_namespace(
    "grep -E ' - cgroup2? ' /proc/self/mountinfo | "
    'while read -r _ _ _ _ path _; do mount -o remount,bind,ro "$path"; done'
)
# As the runtime of a container does it: no clone with CLONE_NEWUSER, for the executor and all that comes of it.
FORBID = """
import ctypes, os, struct, sys
LOAD, EQUAL, ANY_BIT, RETURN, ALLOW, REFUSED, ABSENT = 0x20, 0x15, 0x45, 0x06, 0x7FFF0000, 0x50001, 0x50026
code = [
    (LOAD, 0, 0, 0), (EQUAL, 5, 0, 435), (EQUAL, 1, 0, 56), (EQUAL, 0, 2, 272),
    (LOAD, 0, 0, 16), (ANY_BIT, 2, 0, 0x10000000), (RETURN, 0, 0, ALLOW),
    (RETURN, 0, 0, ABSENT), (RETURN, 0, 0, REFUSED),
]
program = b"".join(struct.pack("<HBBI", *one) for one in code)
buffer = ctypes.create_string_buffer(program)
filter = struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(22, 2, filter, 0, 0):
    sys.exit(f"no filter: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[1], sys.argv[1:])
"""
OTHER_MACHINE = ("setarch", "i686")  # its name is all that is another
NO_USER_NAMESPACES = (sys.executable, "-c", FORBID)
USER = slots.LAST + 1
NO_ROOT = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One at which no other executor claims jobs."""
    server = ServerProcess(tmp_path_factory.mktemp("server")).start()
    yield server
    server.stop()


@pytest.fixture
async def own_user(server: ServerProcess, make_user: Any) -> AsyncIterator[Any]:
    async with server.client() as client:
        yield make_user(client)


@cache
def cannot_be_user() -> str | None:
    can = subprocess.run([*NO_ROOT, sys.executable, "-c", "import telerun_executor"], capture_output=True, check=False)
    return "another user cannot read this Python" if can.returncode else None


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that is the executor's own, whoever it is."""
    folder = Path(tempfile.mkdtemp(prefix="telerun-levels-", dir="/tmp"))
    try:
        os.chown(folder, USER, USER)
        yield folder
    finally:
        shutil.rmtree(folder)


def command(server: ServerProcess, folder: Path, required: str) -> list[str]:
    token = folder / "token"
    shutil.copy(server.executor_token_file, token)
    os.chown(token, USER, USER)
    return [
        *(sys.executable, "-m", "telerun_executor", "run", "--server", server.url, "--no-gpu", "--no-emulation"),
        *("--token-file", str(token), "--work-dir", str(folder / "work"), "--require-isolation", required),
    ]


@pytest.mark.parametrize(
    ("wrapper", "required", "told"),
    [
        (NO_BUBBLEWRAP, "full", ("apt-get install bubblewrap",)),
        (NO_CGROUPS, "full", ("cgroup memory", "Read-only file system")),
        (NO_ROOT, "full", (f"root (user {USER}): run the executor as root",)),
        ((*NO_USER_NAMESPACES, *NO_ROOT), "degraded", ("user namespaces", "sysctl user.max_user_namespaces")),
        pytest.param(
            OTHER_MACHINE,
            "degraded",
            ("seccomp filter", "for i686"),
            marks=pytest.mark.skipif(
                platform.machine() != "x86_64", reason="it can only pass for an older one of its kind"
            ),
        ),
    ],
    ids=["no bubblewrap", "no cgroups", "no root", "no root, no user namespaces", "no filter"],
)
def test_it_refuses_what_is_weaker_than_required(
    wrapper: tuple[str, ...], required: str, told: tuple[str, ...], server: ServerProcess, folder: Path
) -> None:
    if "setpriv" in wrapper and (reason := cannot_be_user()):
        pytest.skip(reason)
    argv = [*wrapper, *command(server, folder, required)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=START_S)
    said = done.stdout + done.stderr
    assert done.returncode not in (0, None), said
    assert "Traceback" not in said
    assert [word for word in (*told, "--require-isolation") if word not in said] == []


@pytest.mark.parametrize(
    ("wrapper", "level", "user"),
    [
        (NO_USER_NAMESPACES, Isolation.FULL, "a slot's"),
        (NO_CGROUPS, Isolation.DEGRADED, "1000"),
        ((*NO_CGROUPS, *NO_USER_NAMESPACES), Isolation.DEGRADED, "a slot's"),
        (NO_ROOT, Isolation.DEGRADED, "1000"),
        (NO_BUBBLEWRAP, Isolation.NONE, "0"),
        ((*NO_USER_NAMESPACES, *NO_ROOT), Isolation.NONE, str(USER)),
        ((*NO_BUBBLEWRAP, *NO_ROOT), Isolation.NONE, str(USER)),
    ],
    ids=[
        "no user namespaces",
        "no cgroups",
        "no user namespaces, no cgroups",
        "no root",
        "no bubblewrap",
        "no root, no user namespaces",
        "no root, no bubblewrap",
    ],
)
async def test_each_job_tells_how_it_was_isolated(
    wrapper: tuple[str, ...], level: Isolation, user: str, server: ServerProcess, own_user: Any, folder: Path
) -> None:
    if "setpriv" in wrapper and (reason := cannot_be_user()):
        pytest.skip(reason)
    with (folder / "log").open("ab") as log:
        executor = subprocess.Popen([*wrapper, *command(server, folder, str(level))], stdout=log, stderr=log)
    try:
        job = await own_user.submit(Language.SHELL, "id -u; echo $$; cat /proc/self/uid_map")
        async with asyncio.timeout(START_S):
            finished = await own_user.finished(job.id)
    finally:
        executor.terminate()
        executor.wait(START_S)
    assert finished.result.isolation is level, (folder / "log").read_text()
    found, process, _, _, mapped = finished.stdout.decode().split()
    assert found == user or (user == "a slot's" and slots.FIRST <= int(found) <= slots.LAST)
    if level is not Isolation.NONE:
        assert int(process) < 5  # in a process namespace of its own
        assert (mapped == "1") is (user == "1000")  # the users that a user namespace knows


def bounds_of(seconds: str) -> dict[str, str]:
    """What is written in the cgroups of the process that sleeps so long."""
    pid = next(one.pid for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", seconds])
    told = {}
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for file in ("cpu.max", "cpu.cfs_quota_us", "memory.high", "memory.soft_limit_in_bytes"):
            if (found := CGROUPS / controllers / path.lstrip("/") / file).exists():
                told[file.partition(".")[0]] = found.read_text().split()[0]
    return told


async def test_each_class_of_users_has_its_own_bounds(server: ServerProcess, own_user: Any, folder: Path) -> None:
    hierarchy, reasons = find("test")
    if hierarchy is None or not hierarchy.controllers >= {"cpu", "memory"}:
        pytest.skip("no cgroups can be used here: " + "; ".join(reasons))
    hierarchy.close()
    (folder / "executor.toml").write_text(SETTINGS)
    config = ("--config", str(folder / "executor.toml"))
    with (folder / "log").open("ab") as log:
        executor = subprocess.Popen([*command(server, folder, "full"), *config], stdout=log, stderr=log)
    found = {}
    me = await own_user.client.me()
    try:
        for user_class in (me.user_class, "student"):
            put = (*("users", "class", me.name, user_class), "--data", str(server.data))
            subprocess.run([sys.executable, "-m", "telerun_server", *put], check=True)
            async with asyncio.timeout(START_S):
                while (await own_user.client.me()).user_class != user_class:
                    await asyncio.sleep(0.1)
                seconds = f"60.{os.getpid()}{len(found)}"
                job = await own_user.submit(Language.SHELL, f"echo ready; sleep {seconds} & wait")
                async for frame in own_user.client.log(job.id, follow=True):
                    if b"ready" in frame.payload:
                        break
                while not any(one.info["cmdline"] == ["sleep", seconds] for one in psutil.process_iter(["cmdline"])):
                    await asyncio.sleep(0.05)
                found[user_class] = bounds_of(seconds)
                await own_user.client.cancel(job.id)
                await own_user.finished(job.id)
    finally:
        executor.terminate()
        executor.wait(START_S)
    assert ("slows nobody down" in (folder / "log").read_text()) is (hierarchy.version == "v1")
    assert found[me.user_class]["cpu"] == "200000"
    assert found["student"] == {"cpu": "50000", "memory": str(64 << 20)}
    assert found[me.user_class]["memory"] != found["student"]["memory"]
