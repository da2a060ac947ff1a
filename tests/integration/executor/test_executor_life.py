"""The executor as a process: how it starts, stops, dies and comes back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests_processes import ExecutorProcess, ServerProcess

from telerun_protocol.states import Language, Phase, Reason, State

LEASES = "lease_s = 6\nheartbeat_s = 1\n"


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of the test's own, with short leases."""
    config = tmp_path / "server.toml"
    config.write_text(LEASES)
    server = ServerProcess(tmp_path / "server", "--config", str(config)).start()
    yield server
    server.stop()


@pytest.fixture
def own_executor(own_server: ServerProcess, tmp_path: Path) -> Iterator[Callable[..., ExecutorProcess]]:
    started: list[ExecutorProcess] = []

    def start(*options: str) -> ExecutorProcess:
        executor = ExecutorProcess(own_server, tmp_path / "executor", "--no-gpu", "--no-sandbox", *options).start()
        started.append(executor)
        return executor

    yield start
    for executor in started:
        assert executor.process
        if executor.process.poll() is None:
            executor.stop()


@pytest.fixture
async def own_user(own_server: ServerProcess, make_user: Any) -> AsyncIterator[Any]:
    async with own_server.client() as client:
        yield make_user(client)


async def test_an_orderly_end_is_told(
    own_server: ServerProcess, own_executor: Callable[..., ExecutorProcess], own_user: Any
) -> None:
    executor = own_executor()
    assert (await own_user.run(Language.SHELL, "true")).job.state is State.SUCCEEDED
    (seen,) = (await own_user.client.executors()).executors
    assert (seen.online, seen.info.host) == (True, socket.gethostname())
    assert await asyncio.to_thread(executor.stop) == 0
    (seen,) = (await own_user.client.executors()).executors
    assert not seen.online


WAITS = """
import os, pathlib, sys, time
print("begun", flush=True)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.02)
print("ended", flush=True)
"""


async def begun(user: Any, job_id: str) -> None:
    async for frame in user.client.log(job_id, follow=True):
        if b"begun" in frame.payload:
            return


async def test_an_idle_executor_stops_at_once_and_cleanly(own_executor: Any, tmp_path: Path) -> None:
    executor = own_executor("--drain", "30")
    wait_for_log(executor, "ready")
    assert executor.stop() == 0
    assert "Traceback" not in executor.log.read_text()
    assert list((tmp_path / "executor" / "work" / "jobs").iterdir()) == []


async def test_a_stopping_executor_lets_a_running_job_end(own_executor: Any, own_user: Any, tmp_path: Path) -> None:
    executor = own_executor("--drain", "60")
    gate = tmp_path / "gate"
    job = await own_user.submit(Language.PYTHON, WAITS, args=(str(gate),))
    await begun(own_user, job.id)
    executor.process.send_signal(signal.SIGTERM)
    gate.touch()
    done = await own_user.finished(job.id)
    assert done.job.state is State.SUCCEEDED
    assert done.stdout == b"begun\nended\n"
    assert await asyncio.to_thread(executor.process.wait, 30) == 0


async def test_a_stopping_executor_gives_back_what_takes_too_long(
    own_executor: Any, own_user: Any, tmp_path: Path
) -> None:
    """The job is queued again without losing an attempt, and the next executor does it."""
    executor = own_executor("--drain", "0.2")
    gate = tmp_path / "gate"
    job = await own_user.submit(Language.PYTHON, WAITS, args=(str(gate),))
    waits = await own_user.submit(Language.PYTHON, "print('second')")
    await begun(own_user, job.id)
    assert await asyncio.to_thread(executor.stop) == 0
    given_back = await own_user.client.job(job.id)
    assert (given_back.state, given_back.attempt) == (State.QUEUED, 0)
    gate.touch()
    own_executor()
    done = await own_user.finished(job.id)
    assert done.job.state is State.SUCCEEDED
    assert done.stdout == b"begun\nbegun\nended\n"
    assert (await own_user.finished(waits.id)).stdout == b"second\n"


async def test_a_second_signal_ends_it_at_once(own_executor: Any, own_user: Any, tmp_path: Path) -> None:
    executor = own_executor("--drain", "600")
    job = await own_user.submit(Language.PYTHON, WAITS, args=(str(tmp_path / "never"),))
    await begun(own_user, job.id)
    executor.process.send_signal(signal.SIGINT)
    wait_for_log(executor, "stopping")
    executor.process.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(executor.process.wait, 30) == 128 + signal.SIGINT
    await gone(str(tmp_path / "never"))


async def test_jobs_of_a_killed_executor_die_and_are_done_by_its_successor(
    own_executor: Any, own_user: Any, tmp_path: Path
) -> None:
    executor = own_executor()
    gate = tmp_path / "gate"
    job = await own_user.submit(Language.PYTHON, WAITS, args=(str(gate),))
    await begun(own_user, job.id)
    executor.kill()
    await gone(str(gate))
    assert list((tmp_path / "executor" / "work" / "jobs").iterdir())
    gate.touch()
    own_executor()
    done = await own_user.finished(job.id)
    assert (done.job.state, done.job.attempt) == (State.SUCCEEDED, 2)
    while list((tmp_path / "executor" / "work" / "jobs").iterdir()):
        await asyncio.sleep(0.05)


async def test_a_job_runs_through_a_restart_of_the_server(
    own_server: ServerProcess, own_executor: Any, own_user: Any, tmp_path: Path
) -> None:
    """No byte is lost and none comes twice, though the server is killed while the program prints."""
    own_executor()
    source = "import time\nfor n in range(300):\n  print(n, flush=True)\n  time.sleep(0.01)\n"
    job = await own_user.submit(Language.PYTHON, source)
    async for _ in own_user.client.log(job.id, follow=True):
        break
    own_server.kill()
    own_server.start(keep_tokens=True)
    done = await own_user.finished(job.id)
    assert done.job.state is State.SUCCEEDED
    assert done.job.attempt == 1
    assert done.stdout == b"".join(b"%d\n" % number for number in range(300))


async def test_a_job_that_ends_while_the_server_is_away_is_reported_later(
    own_server: ServerProcess, own_executor: Any, own_user: Any, tmp_path: Path
) -> None:
    own_executor()
    gate = tmp_path / "gate"
    job = await own_user.submit(Language.PYTHON, WAITS + "open('out/x', 'w').write('kept')\n", args=(str(gate),))
    await begun(own_user, job.id)
    own_server.kill()
    gate.touch()
    await gone(str(gate))
    own_server.start(keep_tokens=True)
    done = await own_user.finished(job.id)
    assert (done.job.state, done.job.attempt) == (State.SUCCEEDED, 1)
    assert await done.file("x") == b"kept"


async def test_cancel_is_heard_at_once_for_a_new_job(own_executor: Any, own_user: Any, tmp_path: Path) -> None:
    own_executor()
    job = await own_user.submit(Language.PYTHON, WAITS, args=(str(tmp_path / "never"),))
    await begun(own_user, job.id)
    await own_user.client.cancel(job.id)
    done = await own_user.finished(job.id)
    assert (done.job.state, done.result.reason) == (State.CANCELLED, Reason.CANCELLED)
    await gone(str(tmp_path / "never"))


async def test_a_released_job_waiting_for_a_slot_has_not_run(own_executor: Any, own_user: Any, tmp_path: Path) -> None:
    executor = own_executor("--slots", "1", "--drain", "0.2")
    job = await own_user.submit(Language.PYTHON, WAITS, args=(str(tmp_path / "never"),))
    await begun(own_user, job.id)
    second = await own_user.submit(Language.PYTHON, "print('x')")
    await own_user.until(second.id, lambda job: job.phase is Phase.WAIT_DEVICE)
    assert await asyncio.to_thread(executor.stop) == 0
    assert (await own_user.client.job(second.id)).state is State.QUEUED


def test_two_executors_cannot_share_a_work_folder(own_executor: Any, own_server: ServerProcess, tmp_path: Path) -> None:
    wait_for_log(own_executor(), "ready")
    done = command("run", "--server", own_server.url, "--token-file", str(own_server.executor_token_file),
                   "--work-dir", str(tmp_path / "executor" / "work"))  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "--work-dir" in done.stderr


def test_a_wrong_token_is_said_in_one_line(own_server: ServerProcess, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("tre_wrong_and_secret")
    work = str(tmp_path / "work")
    done = command("run", "--server", own_server.url, "--token-file", str(token), "--work-dir", work)
    assert done.returncode == 1
    assert "token" in done.stderr
    assert "wrong_and_secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_that_are_not_valid_name_their_origin(tmp_path: Path) -> None:
    config = tmp_path / "executor.toml"
    config.write_text("slots = 0\n")
    done = command("run", "--config", str(config))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"slots in {config}" in done.stderr


def test_doctor_looks_at_the_machine_and_the_server(own_server: ServerProcess, tmp_path: Path) -> None:
    options = ["--server", own_server.url, "--token-file", str(own_server.executor_token_file)]
    done = command("doctor", *options, "--json")
    assert done.returncode == 0, done.stdout
    rows = {row["what"]: row for row in json.loads(done.stdout)}
    assert {"python", "g++", "nvcc", "GPU", "disk space", "server", "clock", "token"} <= set(rows)
    assert rows["token"]["found"] == "local (executor)"
    done = command("doctor", *options)
    assert "g++" in done.stdout
    token = tmp_path / "token"
    token.write_text("wrong")
    done = command("doctor", "--server", own_server.url, "--token-file", str(token), "--json")
    assert done.returncode == 1
    assert [row["what"] for row in json.loads(done.stdout) if row["is_problem"]] == ["token"]


def test_doctor_says_what_to_install(tmp_path: Path) -> None:
    done = command("doctor", "--json", PATH=str(tmp_path), NVCC="")
    assert done.returncode == 1
    rows = {row["what"]: row for row in json.loads(done.stdout)}
    assert rows["g++"]["is_problem"]
    assert "apt-get install g++" in rows["g++"]["fix"]


def test_doctor_of_a_server_that_is_not_there() -> None:
    done = command("doctor", "--server", "http://127.0.0.1:9", "--json")
    assert done.returncode == 1
    assert [row["what"] for row in json.loads(done.stdout) if row["is_problem"]] == ["server"]


def command(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "telerun_executor", *args],
        capture_output=True, text=True, timeout=100, env={**os.environ, **env},
    )  # fmt: skip


def wait_for_log(executor: ExecutorProcess, text: str) -> None:
    while text not in executor.log.read_text():
        assert executor.process
        with pytest.raises(subprocess.TimeoutExpired):  # it is alive
            executor.process.wait(0.05)


async def gone(word: str) -> None:
    """Waits until no process has a word among its arguments; pytest's time limit is the limit."""
    while any(word in (one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])):
        await asyncio.sleep(0.05)


async def test_a_token_may_be_replaced_while_a_job_runs(
    own_server: ServerProcess, own_executor: Any, own_user: Any, tmp_path: Path
) -> None:
    """Between the two the server refuses the executor; nothing of the job is lost by that."""
    executor = own_executor()
    gate = tmp_path / "gate"
    job = await own_user.submit(Language.PYTHON, WAITS, args=(str(gate),))
    await begun(own_user, job.id)
    server_cli = [sys.executable, "-m", "telerun_server", "executors", "rotate", "local", "--data"]
    done = subprocess.run([*server_cli, str(own_server.data)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wait_for_log(executor, "trying again")
    gate.touch()
    own_server.executor_token_file.write_text(done.stdout.split()[-1])
    finished = await own_user.finished(job.id)
    assert (finished.job.state, finished.job.attempt) == (State.SUCCEEDED, 1)
    assert finished.stdout == b"begun\nended\n"
