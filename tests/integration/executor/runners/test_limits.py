"""What every runner measures and bounds, whatever it isolates with."""

from __future__ import annotations

from typing import Any

import pytest
from tests_runners import PATH, Taker, alive, python

from telerun_executor.runners.base import Command, ProcessExit
from telerun_executor.workspace import Workspace
from telerun_protocol.states import Reason


async def test_usage_is_measured(box: Any, workspace: Workspace, taker: Taker) -> None:
    source = "import time\nx = b'a' * (150 << 20)\nt = time.process_time()\nwhile time.process_time() < t + 0.3: pass\n"
    async with box() as opened:
        ended = await opened.run(python(workspace, source), taker)
    assert ended.cpu_time_s >= 0.3
    assert ended.wall_time_s >= 0.3
    assert ended.peak_memory_bytes >= 150 << 20


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
