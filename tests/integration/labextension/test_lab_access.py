"""Who may use the panel's API: whoever Jupyter lets in, from Jupyter's own pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from tests_jupyter import Browser, JupyterProcess
from tests_processes import ServerProcess

ROUTES = [
    ("GET", "status"),
    ("POST", "start-local"),
    ("GET", "me"),
    ("GET", "jobs"),
    ("POST", "jobs"),
    ("GET", "jobs/1"),
    ("POST", "jobs/1/cancel"),
    ("GET", "jobs/1/bundle"),
    ("GET", "jobs/1/output"),
    ("POST", "server"),
    ("GET", "jobs/1/log"),
    ("GET", "jobs/1/files/a"),
    ("HEAD", "jobs/1/files/a"),
    ("GET", f"blobs/{'0' * 64}"),
    ("POST", "submit-file"),
    ("POST", "submit-source"),
    ("GET", "events"),
]
AUTHORIZER = """
from jupyter_server.auth import Authorizer

class OnlyReading(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource != "telerun" or action == "read"
"""


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_jupyters_login_nothing_is_told(browser: Browser, method: str, path: str) -> None:
    browser.headers = {}
    answer = await browser.ask(method, path)
    assert answer.status == 403
    assert answer.headers.get("Content-Type", "").startswith("application/json") or path == "events"


async def test_a_websocket_needs_a_login_too(browser: Browser) -> None:
    browser.headers = {}
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        async with browser.tab():
            pass


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if route[1] != "events"])
async def test_pages_from_elsewhere_are_refused(browser: Browser, method: str, path: str) -> None:
    cookies = await log_in(browser)
    answer = await browser.ask(method, path, cookies=cookies, headers={"Origin": "https://evil.example"})
    assert answer.status in (403, 404)
    assert b"job" not in answer.body


async def test_a_cookie_alone_changes_nothing(browser: Browser) -> None:
    """Another page can make a browser send its cookies, but does not know the token against that."""
    cookies = await log_in(browser)
    assert (await browser.ask("GET", "jobs", cookies=cookies)).status == 200
    answer = await browser.ask("POST", "submit-source", json={"source": "true"}, cookies=cookies)
    assert (answer.status, "_xsrf" in answer.json["message"]) == (403, True)
    headers = {"X-XSRFToken": cookies["_xsrf"]}
    assert (await browser.ask("POST", "submit-source", json={}, cookies=cookies, headers=headers)).status == 400


async def test_a_websocket_from_elsewhere_is_refused(browser: Browser) -> None:
    cookies = await log_in(browser)
    browser.session.cookie_jar.update_cookies(cookies)
    browser.headers = {"Origin": "https://evil.example"}
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        async with browser.tab():
            pass


async def log_in(browser: Browser) -> dict[str, str]:
    """As a person's browser is: by cookie."""
    async with browser.session.get(f"{browser.jupyter.url}api/me?token={browser.jupyter.token}") as response:
        assert response.status == 200
    async with browser.session.get(f"{browser.jupyter.url}tree?token={browser.jupyter.token}") as response:
        cookies = {name: morsel.value for name, morsel in response.cookies.items()}
    browser.headers = {}
    assert cookies
    return cookies


async def test_jupyters_authorizer_decides(
    start_jupyter: Callable[..., JupyterProcess],
    open_browser: Callable[[JupyterProcess], Browser],
    telerun_server: ServerProcess,
    tmp_path: Path,
) -> None:
    (tmp_path / "only_reading.py").write_text(AUTHORIZER)
    jupyter = start_jupyter(
        env=telerun_server.environment(PYTHONPATH=str(tmp_path)),
        options=("--ServerApp.authorizer_class=only_reading.OnlyReading",),
    )
    browser = open_browser(jupyter)
    assert (await browser.ask("GET", "jobs")).status == 200
    assert (await browser.ask("POST", "submit-source", json={"source": "true"})).status == 403
    async with browser.tab() as tab:
        assert (await tab.next())["type"] == "hello"
