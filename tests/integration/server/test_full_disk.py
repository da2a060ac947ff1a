"""A server whose disk is full says so, and goes on when there is room again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_processes import ServerProcess

from telerun_protocol.errors import ServerFailed
from telerun_protocol.messages import JobSpec
from telerun_protocol.states import Language

MIB = 1 << 20


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


async def test_a_full_disk_is_told_and_survived(tmp_path: Path, small_disk: Path) -> None:
    server = ServerProcess(tmp_path / "server")
    server.data = small_disk / "data"
    server.start()
    spec = JobSpec(language=Language.COMMAND, args=("true",))
    try:
        async with server.client(retry_s=2) as client:
            with pytest.raises(ServerFailed, match="disk is full"):
                await client.upload(os.urandom(20 * MIB))
            await client.upload(b"small")
            filler = small_disk / "filler"
            with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 16))
            with pytest.raises(ServerFailed, match="disk is full"):
                await client.upload(os.urandom(MIB))
            with pytest.raises(ServerFailed, match="full"):
                for _ in range(100):
                    await client.submit(spec)
            filler.unlink()
            job = await client.submit(spec)
            assert (await client.job(job.id)).id == job.id
            assert await client.upload(os.urandom(MIB))
    finally:
        assert server.stop() == 0
