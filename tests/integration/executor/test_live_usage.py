"""What a running job uses, on its way from the kernel to whoever asks the server."""

from __future__ import annotations

from typing import Any

import pytest

from telerun_protocol.messages import Job
from telerun_protocol.states import Language, State

pytestmark = pytest.mark.usefixtures("telerun_executor")
MIB = 1 << 20
BUSY = """
import subprocess, time
held = bytearray(64 << 20)
held[::4096] = b"x" * len(held[::4096])
with subprocess.Popen(["sleep", "60"]):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pass
"""


async def test_a_running_job_tells_what_it_uses_and_its_result_the_peaks(user: Any) -> None:
    job = await user.submit(Language.PYTHON, BUSY)

    def tells(seen: Job) -> bool:
        return bool(seen.usage and seen.usage.memory_bytes > 64 * MIB and seen.usage.processes >= 2)

    used = (await user.until(job.id, tells)).usage
    assert used.cpu_time_s > 0
    assert used.peak_memory_bytes >= used.memory_bytes
    assert (await user.client.job(job.id)).usage is not None
    await user.client.cancel(job.id)
    done = await user.finished(job.id)
    assert done.job.state is State.CANCELLED
    assert done.job.usage is None
    step = done.result.steps[-1]
    assert step.peak_memory_bytes > 64 * MIB
    assert step.cpu_time_s >= used.cpu_time_s
