"""The server as a process: start, command line, graceful stop, kill -9, idle exit."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import uuid
from pathlib import Path

import aiohttp
import pytest

from telerun_protocol import routes
from telerun_protocol.client import Client
from telerun_protocol.errors import LogGap, TelerunError
from telerun_protocol.logframes import Frame, encode_frame
from telerun_protocol.messages import Job
from telerun_protocol.states import State

from .conftest import Executor, spec, submit
from .processes import Process, command, server_process


def telerun_server(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*args), capture_output=True, text=True, timeout=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def client(process: Process, who: str = "user") -> Client:
    return Client(process.url, process.token(who), retry_s=30)


async def test_start_accounts_and_graceful_stop(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    with server_process(data, "--log-format", "json", "--log-level", "debug", log=log) as process:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", process.url)
        assert stat.S_IMODE((data / "tokens").stat().st_mode) == 0o700
        assert stat.S_IMODE((data / "tokens" / "user.token").stat().st_mode) == 0o600
        async with client(process) as user, client(process, "executor") as account:
            box = await Executor(account).register()
            job = await submit(user)
            claim = await box.claim_one()
            polling = asyncio.ensure_future(box.claim(wait_s=60))
            following = asyncio.ensure_future(follow_raw(process, job))
            await asyncio.sleep(0.5)
            assert await asyncio.to_thread(process.end) == 0
            assert await polling == []
            with pytest.raises(aiohttp.ClientPayloadError):  # cut, not ended: the log goes on
                await following
        assert claim.job_id == job.id
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert any(line.get("principal") == "executor:local" and line["status"] == 200 for line in lines)
        for secret in (process.token("user"), process.token("executor"), claim.claim_id, "offset"):
            assert secret not in log.read_text()


async def follow_raw(process: Process, job: Job) -> bytes:
    headers = {"Authorization": f"Bearer {process.token('user')}"}
    url = process.url + routes.fill(routes.LOG, job=job.id) + "?follow=true&offset=0"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return await response.read()


async def test_a_follower_goes_on_after_a_restart(tmp_path: Path) -> None:
    port = free_port()
    with server_process(tmp_path / "data", port=port) as process:
        user = client(process)
        account = client(process, "executor")
        async with user, account:
            user._token = lambda: process.token("user")
            account._token = lambda: process.token("executor")
            box = await Executor(account).register()
            await submit(user)
            claim = await box.claim_one()
            offset = await account.append_log(claim.job_id, claim.claim_id, 0, encode_frame(1, b"before "))
            frames: list[Frame] = []

            async def follow() -> None:
                frames.extend([frame async for frame in user.log(claim.job_id, follow=True)])

            following = asyncio.ensure_future(follow())
            await asyncio.sleep(0.3)
            await asyncio.to_thread(process.end)
            with server_process(tmp_path / "data", port=port):
                await account.append_log(claim.job_id, claim.claim_id, offset, encode_frame(1, b"after"))
                await box.finish(claim)
                async with asyncio.timeout(30):
                    await following
    assert b"".join(frame.payload for frame in frames) == b"before after"


async def test_after_a_restart_an_executor_is_online_once_it_was_heard(tmp_path: Path) -> None:
    port = free_port()
    with server_process(tmp_path / "data", port=port) as process:
        async with client(process, "executor") as account:
            box = await Executor(account).register()
        await asyncio.to_thread(process.end)
    with server_process(tmp_path / "data", port=port) as process:
        async with client(process, "executor") as account, client(process) as user:
            (seen,) = (await user.executors()).executors
            assert not seen.online
            await Executor(account, box.info).claim()
            (seen,) = (await user.executors()).executors
            assert seen.online


async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Submits, appends and results go on while the server is killed; what was answered is there afterwards."""
    data, port = tmp_path / "data", free_port()
    submitted: list[Job] = []
    appended: dict[str, bytes] = {}
    finished: set[str] = set()
    stop = asyncio.Event()
    tokens: dict[str, str] = {}

    async def submitting(user: Client) -> None:
        while not stop.is_set():
            submitted.append(await user.submit(spec(), uuid.uuid4().hex))

    async def working(account: Client) -> None:
        box = await Executor(account).register()
        while not stop.is_set():
            for claim in await box.claim(max_jobs=4, wait_s=1):
                offset = claim.log_offset
                for number in range(5):
                    frame = encode_frame(1, b"%s %d\n" % (claim.job_id.encode(), number))
                    offset = await account.append_log(claim.job_id, claim.claim_id, offset, frame)
                    appended[claim.job_id] = appended.get(claim.job_id, b"") + frame
                await box.finish(claim)
                finished.add(claim.job_id)

    with server_process(data, port=port) as process:
        tokens.update({who: process.token(who) for who in ("user", "executor")})
        user, account = (Client(process.url, lambda who=who: tokens[who], retry_s=60) for who in ("user", "executor"))
        async with user, account, asyncio.TaskGroup() as group:
            tasks = [group.create_task(submitting(user)) for _ in range(2)] + [group.create_task(working(account))]
            await asyncio.sleep(1.0)
            current = process
            for _ in range(3):
                current.popen.kill()
                current.popen.wait()
                # Without new accounts: the tokens of the clients stay those of the first run.
                current = start_again(data, port)
                await asyncio.sleep(0.7)
            stop.set()
            await asyncio.wait(tasks)
            try:
                jobs = {job.id: job for job in (await user.jobs(limit="1000")).jobs}
                assert len(submitted) == len({job.id for job in submitted})
                for job in submitted:
                    if job.id not in jobs:  # older than the list is long
                        assert (await user.job(job.id)).number == job.number
                assert finished
                for job in finished:
                    assert (await user.job(job)).state is State.SUCCEEDED
                    stored = b"".join([encode_frame(f.stream, f.payload) async for f in user.log(job)])
                    assert stored == appended[job]
            finally:
                current.popen.kill()
                current.popen.wait()


def start_again(data: Path, port: int) -> Process:
    popen = subprocess.Popen(
        command("run", "--data", str(data), "--port", str(port)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return Process(popen, f"http://127.0.0.1:{port}", data)


async def test_a_torn_append_is_cut_off(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    whole = encode_frame(1, b"whole\n")
    with server_process(data, port=port) as process:
        async with client(process) as user, client(process, "executor") as account:
            box = await Executor(account).register()
            job = await submit(user)
            claim = await box.claim_one()
            await account.append_log(job.id, claim.claim_id, 0, whole)
            process.end(signal.SIGKILL)
    (file,) = (data / "logs").rglob("*.log")
    with file.open("ab") as torn:
        torn.write(encode_frame(1, b"never acknowledged")[:-3])
    with server_process(data, port=port) as process:
        async with client(process) as user, client(process, "executor") as account:
            assert [frame async for frame in user.log(job.id)] == [Frame(1, b"whole\n")]
            with pytest.raises(LogGap):
                await account.append_log(job.id, claim.claim_id, len(whole) + 1, whole)
            assert await account.append_log(job.id, claim.claim_id, len(whole), whole) == 2 * len(whole)


async def test_two_servers_never_share_a_data_folder(tmp_path: Path) -> None:
    with server_process(tmp_path / "data"):
        second = await asyncio.to_thread(telerun_server, "run", "--data", str(tmp_path / "data"), "--port", "0")
    assert second.returncode == 1
    assert "Another server uses the data folder" in second.stderr
    assert "--data" in second.stderr
    assert "Traceback" not in second.stderr


def test_it_stops_when_idle(tmp_path: Path) -> None:
    with server_process(tmp_path / "data", "--idle-exit", "0.5") as process:
        assert process.popen.wait(30) == 0


async def test_an_unfinished_job_keeps_it_but_neither_executors_nor_a_panel(tmp_path: Path) -> None:
    with server_process(tmp_path / "data", "--idle-exit", "3") as process:
        async with client(process) as user, client(process, "executor") as account:
            box = await Executor(account).register()
            await submit(user)
            claim = await box.claim_one()
            await asyncio.sleep(4.5)
            assert process.popen.poll() is None
            await box.finish(claim)
            polling = asyncio.ensure_future(box.claim(wait_s=60))
            async with await user.open("GET", routes.EVENTS) as events:  # a panel that nobody looks at
                assert await asyncio.to_thread(process.popen.wait, 30) == 0
                with pytest.raises(aiohttp.ClientError):
                    await events.read()
            assert await polling == []


async def test_https(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made, *subject, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    with server_process(tmp_path / "data", "--tls-cert", str(cert), "--tls-key", str(key)) as process:
        assert process.url.startswith("https://127.0.0.1:")
        async with Client(process.url, process.token("user"), ca_file=cert) as user:
            assert (await submit(user)).state is State.QUEUED
        with pytest.raises((TelerunError, ssl.SSLError)):
            async with Client(process.url, process.token("user"), retry_s=0.1) as stranger:
                await stranger.me()


def test_accounts_on_the_command_line(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    token = telerun_server("users", "add", "ada", *data).stdout.strip()
    assert re.fullmatch(r"[0-9a-f]{64}", token)
    assert telerun_server("users", "add", "root", "--admin", *data).returncode == 0
    file = tmp_path / "box.token"
    assert telerun_server("executors", "add", "box", "--token-file", str(file), *data).stdout == ""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = json.loads(telerun_server("users", "list", "--json", *data).stdout)
    assert [(one["name"], one["role"]) for one in listed] == [("ada", "user"), ("root", "admin")]
    assert telerun_server("executors", "list", *data).stdout == "box\texecutor\n"
    assert telerun_server("users", "rotate", "ada", *data).stdout.strip() != token
    again = telerun_server("users", "add", "ada", *data)
    assert again.returncode == 1
    assert "already" in again.stderr
    assert telerun_server("users", "remove", "ada", *data).returncode == 0
    assert "no account" in telerun_server("users", "remove", "ada", *data).stderr
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir() if path.is_file())
    assert token.encode() not in stored
    assert file.read_bytes().strip() not in stored


def test_what_is_refused_is_told_in_a_line(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    data = ("--data", str(tmp_path / "data"))
    for text, told in (
        ("lease_s = 'long'", "$.lease_s"),
        ("leases = 3", "leases"),
        ("[default_limits]\nwall_time = 3", "wall_time"),
        ("[default_limits]\nwall_time_s = 7200", "wall_time_s"),
        ("lease_s = 1", "heartbeat_s"),
        ("= broken", "not TOML"),
    ):
        config.write_text(text)
        refused = telerun_server("run", *data, "--port", "0", "--config", str(config))
        assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
        assert told in refused.stderr
        assert str(config) in refused.stderr
    open_ = telerun_server("run", *data, "--host", "0.0.0.0")
    assert open_.returncode == 2
    assert "--tls-cert" in open_.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = telerun_server("run", *data, "--port", str(taken.getsockname()[1]))
    assert busy.returncode == 1
    assert "Cannot listen" in busy.stderr
    for args, told in (
        (("users", "add", "ada", "--data", "/proc/nothing"), "cannot be made"),
        (("users", "list", "--data", str(tmp_path / "typo")), "No server has its data in"),
        (("run", *data, "--accounts-for-run", str(config)), f"{config} cannot be made"),
        (("run", *data, "--tls-cert", str(config)), "PEM file"),
        (("run", *data, "--tls-cert", "/nowhere.pem"), "/nowhere.pem cannot be read: No such file"),
    ):
        refused = telerun_server(*args)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
        assert told in refused.stderr
    assert not (tmp_path / "typo").exists()
    assert telerun_server("run", *data, "--port", "65536").returncode == 2
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "telerun.sqlite3").write_bytes(b"no database" * 1000)
    broken = telerun_server("users", "list", "--data", str(tmp_path / "broken"))
    assert (broken.returncode, "Traceback" in broken.stderr) == (1, False)
    assert "cannot be used" in broken.stderr


def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    assert telerun_server("users", "add", "ada", *data).returncode == 0
    file = tmp_path / "data" / "telerun.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version=999")
    connection.close()
    refused = telerun_server("users", "list", *data)
    assert refused.returncode == 1
    assert "newer Telerun" in refused.stderr
