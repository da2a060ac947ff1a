"""No server, a server that is down, a token that is wrong: quiet states that say what to do, and that pass."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests_jupyter import Browser, JupyterProcess
from tests_processes import ServerProcess

Start = Callable[..., JupyterProcess]
Open = Callable[[JupyterProcess], Browser]


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A queue that the test may stop."""
    server = ServerProcess(tmp_path / "queue").start()
    yield server
    if server.process and server.process.poll() is None:
        server.stop()


async def test_a_server_that_is_down_is_a_quiet_state(
    own_server: ServerProcess, start_jupyter: Start, open_browser: Open
) -> None:
    jupyter = start_jupyter(env=own_server.environment())
    browser = open_browser(jupyter)
    own_server.kill()
    status = await browser.get("status")
    assert (status["configured"], status["reachable"], status["url"]) == (True, False, own_server.url)
    assert own_server.url in status["problem"]["message"]
    for path in ("jobs", "jobs/1/bundle", "jobs/1/log"):
        answer = await browser.ask("GET", path)
        assert (answer.status, answer.json["code"], answer.json["status"]) == (502, "unreachable", 502)
        assert own_server.url in answer.json["message"]
    async with asyncio.timeout(20):
        while len(jupyter.lines(" 502 GET ")) < 3:
            await asyncio.sleep(0.05)
    assert len(jupyter.lines("/telerun/api/")) == 3  # a line each


async def test_tabs_hear_that_the_server_went_and_came_back(
    own_server: ServerProcess, start_jupyter: Start, open_browser: Open
) -> None:
    jupyter = start_jupyter(env=own_server.environment())
    browser = open_browser(jupyter)
    async with browser.tab() as tab, browser.tab() as other:
        for one in (tab, other):
            assert await one.next() == {"type": "hello", "url": own_server.url}
        first = await browser.post("submit-source", {"source": "true", "options": {"language": "sh"}})
        assert (await tab.next("event"))["event"]["kind"] == "queued"
        own_server.kill()
        for one in (tab, other):
            gone = await one.next("unreachable")
            assert gone["url"] == own_server.url
            assert own_server.url in gone["problem"]["message"]
        async with browser.tab() as late:
            assert (await late.next())["type"] == "unreachable"
        own_server.start(keep_tokens=True)
        async with own_server.client() as client:  # before any tab is subscribed again, perhaps
            missed = await client.cancel(first["job"]["id"])
        assert await tab.next() == {"type": "connected", "url": own_server.url}
        assert await tab.next() == {"type": "hello", "url": own_server.url}
        assert missed.state == "cancelled"
        assert (await tab.next("event"))["event"]["kind"] == "cancelled"
    assert len(jupyter.lines("does not answer")) == 1
    assert len(jupyter.lines("answers")) == 1


async def test_the_panel_can_show_another_server_with_a_login(
    telerun_server: ServerProcess, own_server: ServerProcess, start_jupyter: Start, open_browser: Open, tmp_path: Path
) -> None:
    url, token = telerun_server.url, telerun_server.user_token_file.read_text().strip()
    (tmp_path / "config").mkdir(mode=0o700)
    (tmp_path / "config" / "credentials.toml").write_text(f'["{url}"]\ntoken = "{token}"\n')
    env = own_server.environment(TELERUN_CONFIG_DIR=str(tmp_path / "config"))
    browser = open_browser(start_jupyter(env=env))
    async with browser.tab() as tab:
        assert (await tab.next("hello"))["url"] == own_server.url
        status = await browser.post("server", {"url": url})
        assert (status["url"], status["reachable"]) == (url, True)
        assert url in status["notices"][0]
        assert (await tab.next("hello"))["url"] == url
        for elsewhere in ("http://127.0.0.1:9", own_server.url):  # a token never goes where a page says
            refused = await browser.ask("POST", "server", json={"url": elsewhere})
            assert (refused.status, refused.json["code"]) == (409, "not_configured")
        assert (await browser.get("status"))["url"] == url
        assert (await browser.post("server", {"url": None}))["url"] == own_server.url
        assert (await tab.next("hello"))["url"] == own_server.url


async def test_a_wrong_token_is_not_jupyters_login(
    own_server: ServerProcess, start_jupyter: Start, open_browser: Open, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.token"
    wrong.write_text("wrong-token-0123456789")
    browser = open_browser(start_jupyter(env=own_server.environment(TELERUN_TOKEN_FILE=str(wrong))))
    answer = await browser.ask("GET", "jobs")
    assert (answer.status, answer.json["code"], answer.json["status"]) == (502, "unauthorized", 502)
    assert "telerun login" in answer.json["hint"]
    status = await browser.get("status")
    assert (status["reachable"], status["problem"]["code"], status["user"]) == (True, "unauthorized", None)
    async with browser.tab() as tab:
        assert (await tab.next())["problem"]["code"] == "unauthorized"
        wrong.write_text(own_server.user_token_file.read_text())  # put right: no restart is needed
        assert (await tab.next("hello"))["url"] == own_server.url
    assert (await browser.ask("GET", "jobs")).status == 200


async def test_without_a_server_all_is_quiet_until_one_is_known(
    own_server: ServerProcess, start_jupyter: Start, open_browser: Open, tmp_path: Path
) -> None:
    home = {"TELERUN_CONFIG_DIR": str(tmp_path / "config"), "TELERUN_STATE_DIR": str(tmp_path / "state")}
    jupyter = start_jupyter(env=home)
    browser = open_browser(jupyter)
    status = await browser.get("status")
    assert (status["configured"], status["problem"]["code"]) == (False, "not_configured")
    answer = await browser.ask("GET", "jobs")
    assert (answer.status, answer.json["code"]) == (409, "not_configured")
    async with browser.tab() as tab:
        assert (await tab.next())["type"] == "unconfigured"
        (tmp_path / "config").mkdir(mode=0o700)
        credentials = f'["{own_server.url}"]\ntoken = "{own_server.user_token_file.read_text().strip()}"\n'
        (tmp_path / "config" / "credentials.toml").write_text(credentials)
        (tmp_path / "config" / "config.toml").write_text(f'url = "{own_server.url}"\n')
        assert (await tab.next("hello"))["url"] == own_server.url
    assert (await browser.get("status"))["user"]
    assert not (tmp_path / "state").exists()  # nothing was started unasked
    assert not jupyter.lines("Traceback")


async def test_another_login_is_followed(
    own_server: ServerProcess,
    telerun_server: ServerProcess,
    start_jupyter: Start,
    open_browser: Open,
    tmp_path: Path,
) -> None:
    """Each server gets its own token, and open tabs hear the new one."""
    config = tmp_path / "config"
    config.mkdir(mode=0o700)
    tables = [
        f'["{server.url}"]\ntoken = "{server.user_token_file.read_text().strip()}"\n'
        for server in (own_server, telerun_server)
    ]
    (config / "credentials.toml").write_text("\n".join(tables))
    (config / "config.toml").write_text(f'url = "{own_server.url}"\n')
    browser = open_browser(start_jupyter(env={"TELERUN_CONFIG_DIR": str(config)}))
    async with browser.tab() as tab:
        assert (await tab.next())["url"] == own_server.url
        (config / "config.toml").write_text(f'url = "{telerun_server.url}"\n')
        await asyncio.sleep(1.1)
        assert (await browser.get("status"))["url"] == telerun_server.url
        assert (await tab.next("hello"))["url"] == telerun_server.url


async def test_the_users_own_server_is_started_when_asked(
    start_jupyter: Start, open_browser: Open, tmp_path: Path
) -> None:
    home = {"TELERUN_CONFIG_DIR": str(tmp_path / "config"), "TELERUN_STATE_DIR": str(tmp_path / "state")}
    jupyter = start_jupyter(env=home)
    browser = open_browser(jupyter)
    try:
        async with browser.tab() as tab:
            assert (await tab.next())["type"] == "unconfigured"
            status = await browser.post("start-local")
            assert (status["configured"], status["reachable"], status["problem"]) == (True, True, None)
            assert (await tab.next())["type"] == "connected"
            assert (await tab.next())["url"] == status["url"]
            assert (await browser.post("start-local"))["url"] == status["url"]  # the same one
            sent = await browser.post("submit-source", {"source": "true", "options": {"language": "sh"}})
            assert await tab.until(sent["job"]["id"], "succeeded")
    finally:
        argv = [sys.executable, "-m", "telerun_magic.cli", "down"]
        environment = {**jupyter.environment, **home}
        assert subprocess.run(argv, env=environment, check=True, capture_output=True).returncode == 0
