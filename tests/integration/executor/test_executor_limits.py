"""What ends a job before its time and what is kept then, through the real server and executor."""

from __future__ import annotations

import asyncio
from typing import Any

import psutil
import pytest

from telerun_protocol.states import Language, Phase, Reason, State

pytestmark = pytest.mark.usefixtures("telerun_executor")


async def test_the_time_limit_keeps_what_was_printed(user: Any) -> None:
    source = "import time\nprint('before', flush=True)\nopen('out/x', 'w').write('kept')\ntime.sleep(60)\n"
    done = await user.run(Language.PYTHON, source, limits={"wall_time_s": 1.0})
    assert done.result.reason is Reason.TIME_LIMIT
    assert done.stdout == b"before\n"
    assert await done.file("x") == b"kept"
    assert "1 s" in done.result.message


async def test_the_output_limit_keeps_exactly_its_bytes(user: Any) -> None:
    source = "import sys\nwhile True: sys.stdout.buffer.write(b'0123456789' * 1000)\n"
    done = await user.run(Language.PYTHON, source, limits={"output_bytes": 12_345})
    assert done.result.reason is Reason.OUTPUT_LIMIT
    assert done.stdout == (b"0123456789" * 1235)[:12_345]
    assert done.result.output_cut_bytes > 0
    assert done.result.output_bytes == 12_345 + done.result.output_cut_bytes
    assert done.result.notes


async def test_the_memory_limit(user: Any) -> None:
    source = "x = b'a' * (300 << 20)\nimport time; time.sleep(30)\n"
    done = await user.run(Language.PYTHON, source, limits={"memory_bytes": 100 << 20})
    assert done.result.reason is Reason.MEMORY_LIMIT
    assert "100 MiB" in done.result.message


async def test_the_cpu_time_limit(user: Any) -> None:
    done = await user.run(Language.PYTHON, "while True: pass", limits={"cpu_time_s": 0.5})
    assert done.result.reason is Reason.CPU_TIME_LIMIT


async def test_the_disk_limit(user: Any) -> None:
    done = await user.run(Language.C, {"main.c": _WRITES_MUCH}, limits={"disk_bytes": 5 << 20})
    assert done.result.reason is Reason.DISK_LIMIT, done.result
    several = "import time\nfor n in range(8): open(f'f{n}', 'wb').write(bytes(1 << 20))\ntime.sleep(30)"
    done = await user.run(Language.PYTHON, several, limits={"disk_bytes": 5 << 20})
    assert done.result.reason is Reason.DISK_LIMIT
    one = "open('big', 'wb').write(bytes(9 << 20))"
    done = await user.run(Language.PYTHON, one, limits={"disk_bytes": 5 << 20})
    assert done.result.reason is Reason.DISK_LIMIT, done.result


_WRITES_MUCH = """
#include <stdio.h>
#include <string.h>
static char block[1 << 20];
int main(void) {
  FILE* f = fopen("big", "wb");
  for (int i = 0; i < 20; i++) fwrite(block, 1, sizeof block, f);
  fclose(f);
  return 0;
}
"""


async def test_the_process_limit(user: Any) -> None:
    done = await user.run(Language.SHELL, "for n in 1 2 3 4 5 6 7 8; do sleep 30 & done; wait", limits={"processes": 5})
    assert done.result.reason is Reason.PROCESS_LIMIT


async def test_the_compile_time_limit(user: Any) -> None:
    done = await user.run(Language.PROJECT, {"Makefile": "main:\n\tsleep 60\n"}, limits={"compile_time_s": 1.0})
    assert done.result.reason is Reason.COMPILE_TIME_LIMIT


async def test_every_byte_arrives(user: Any) -> None:
    source = "import sys\nsys.stdout.buffer.write(bytes(range(256)) * 1000)\nsys.stderr.buffer.write(b'\\xff\\xfe')\n"
    done = await user.run(Language.PYTHON, source)
    assert done.stdout == bytes(range(256)) * 1000
    assert done.stderr == b"\xff\xfe"


async def test_a_hundred_thousand_lines(user: Any) -> None:
    done = await user.run(Language.CPP, _MANY_LINES)
    assert done.stdout == b"".join(b"line %d\n" % number for number in range(100_000))


_MANY_LINES = """
#include <cstdio>
int main() {
  for (int i = 0; i < 100000; i++) { std::printf("line %d\\n", i); if (i % 100 == 0) std::fflush(stdout); }
}
"""


async def test_nothing_of_a_job_survives_it(user: Any, unique: str) -> None:
    source = (
        f"import subprocess, os\nsubprocess.Popen(['sleep', '600'], start_new_session=True, env={{'U': '{unique}'}})\n"
    )
    done = await user.run(Language.PYTHON, source)
    assert done.job.state is State.SUCCEEDED
    assert not processes_with(unique)


async def test_cancel_ends_all_of_it_and_keeps_what_was_printed(user: Any, unique: str) -> None:
    source = f"""
import subprocess, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(['sleep', '600'], start_new_session=True, env={{'U': '{unique}'}})
print("begun", flush=True)
signal.pause()
"""
    job = await user.submit(Language.PYTHON, source)
    async for frame in user.client.log(job.id, follow=True):
        assert frame.payload.startswith(b"begun")
        break
    while not processes_with(unique):  # a program that has just been started shows no environment yet
        await asyncio.sleep(0.02)
    await user.client.cancel(job.id)
    done = await user.finished(job.id)
    assert done.job.state is State.CANCELLED
    assert done.stdout == b"begun\n"
    assert not processes_with(unique)


async def test_cancel_while_compiling(user: Any) -> None:
    job = await user.submit(Language.PROJECT, {"Makefile": "main:\n\tsleep 600\n"})
    await user.until(job.id, lambda job: job.phase is Phase.COMPILE)
    await user.client.cancel(job.id)
    assert (await user.finished(job.id)).job.state is State.CANCELLED


async def test_two_run_at_once_and_a_third_waits(user: Any) -> None:
    """The third compiles meanwhile: it is claimed, and shows that it waits for its turn."""
    source = "import time\nprint('up', flush=True)\ntime.sleep(4)\n"
    jobs = [await user.submit(Language.PYTHON, source) for _ in range(3)]
    waiting = await user.until(jobs[2].id, lambda job: job.phase is Phase.WAIT_DEVICE)
    assert waiting.state is State.CLAIMED
    for job in jobs:
        assert (await user.finished(job.id)).job.state is State.SUCCEEDED


def processes_with(unique: str) -> list[int]:
    """Processes whose environment has the word."""
    return [one.pid for one in psutil.process_iter(["environ"]) if (one.info["environ"] or {}).get("U") == unique]
