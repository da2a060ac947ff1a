"""A server whose disk is full says so, and goes on when there is room again."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from tests_processes import ServerProcess

from telerun_protocol.client import Client
from telerun_protocol.errors import ServerFailed
from telerun_protocol.messages import JobSpec
from telerun_protocol.states import Language

MIB = 1 << 20
TOLD = r"database failed: .* administrator"
SPEC = JobSpec(language=Language.COMMAND, args=("true",))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own, of 8 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs the right to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_failing_database_is_told_and_survived(tmp_path: Path) -> None:
    """Also by what looks into it now and then: leases, purging, idleness."""
    config = tmp_path / "server.toml"
    config.write_text("lease_s = 1\nheartbeat_s = 0.5\npurge_every_s = 0.2\n")
    server = ServerProcess(tmp_path / "server", "--config", str(config), "--idle-exit", "30").start()
    try:
        async with server.client(retry_s=2) as client:
            with closing(sqlite3.connect(server.data / "telerun.sqlite3")) as database:
                database.execute("ALTER TABLE jobs RENAME TO elsewhere")
                await asyncio.sleep(2)
                with pytest.raises(ServerFailed, match=TOLD):
                    await client.submit(SPEC)
                with pytest.raises(ServerFailed, match=TOLD):
                    await client.jobs()
                database.execute("ALTER TABLE elsewhere RENAME TO jobs")
            assert (await client.submit(SPEC)).number == 1
    finally:
        assert server.stop() == 0


def fill(path: Path) -> None:
    """Takes the room that is left."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))


async def submit_many(client: Client, count: int) -> None:
    for _ in range(count):
        await client.submit(SPEC)


async def test_a_full_disk_is_told_and_survived(tmp_path: Path, small_disk: Path) -> None:
    server = ServerProcess(tmp_path / "server")
    server.data = small_disk / "data"
    server.start()
    try:
        async with server.client(retry_s=2) as client:
            with pytest.raises(ServerFailed, match="disk is full"):
                await client.upload(os.urandom(20 * MIB))
            await client.upload(b"small")
            filler = small_disk / "filler"
            fill(filler)
            with pytest.raises(ServerFailed, match="disk is full"):
                await client.upload(os.urandom(MIB))
            with pytest.raises(ServerFailed, match="full"):
                await submit_many(client, 100)
            filler.unlink()
            job = await client.submit(SPEC)
            assert (await client.job(job.id)).id == job.id
            assert await client.upload(os.urandom(MIB))
    finally:
        assert server.stop() == 0
