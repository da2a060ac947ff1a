"""Events: one connection to the queue for all tabs, every event to each of them, and no tab that holds up another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests_jupyter import Browser, JupyterProcess
from tests_processes import ExecutorProcess, ServerProcess


async def test_every_tab_hears_every_change_over_one_connection(
    browser: Browser, telerun_server: ServerProcess, telerun_executor: ExecutorProcess
) -> None:
    before = await listeners(browser, telerun_server)  # other tests of this process may have left theirs
    async with browser.tab() as tab, browser.tab() as other:
        assert (await tab.next())["type"] == (await other.next())["type"] == "hello"
        assert await listeners(browser, telerun_server) == before + 1
        sent = await browser.post("submit-source", {"source": "echo", "options": {"language": "sh", "name": "<b>x"}})
        kinds = await tab.until(sent["job"]["id"], "succeeded")
        assert kinds[0] == "queued"
        assert "phase" in kinds
        assert await other.until(sent["job"]["id"], "succeeded") == kinds
        await tab.websocket.send_str("tabs have nothing to say")
        await other.websocket.close()
        await tab.websocket.close()
    async with asyncio.timeout(20):
        while await listeners(browser, telerun_server) > before:
            await asyncio.sleep(0.05)


async def listeners(browser: Browser, server: ServerProcess) -> float:
    async with browser.session.get(f"{server.url}/metrics") as response:
        line = next(line for line in (await response.text()).splitlines() if 'kind="events"' in line)
    return float(line.split()[-1])


@asynccontextmanager
async def flood(events: int, size: int) -> AsyncIterator[str]:
    """A queue server that has much to tell, to whoever asks."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(1, events + 1):
            body = json.dumps({"id": number, "job": {"text": "x" * size}})
            await response.write(f"id: {number}\ndata: {body}\n\n".encode())
        await asyncio.sleep(60)
        return response

    app = web.Application()
    app.router.add_get("/api/v1/events", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_a_tab_that_does_not_listen_is_let_go_and_holds_up_nobody(
    start_jupyter: Callable[..., JupyterProcess], open_browser: Callable[[JupyterProcess], Browser], tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("any-token-will-do")
    count = 30_000
    async with flood(count, 2_000) as url:
        jupyter = start_jupyter(env={"TELERUN_URL": url, "TELERUN_TOKEN_FILE": str(token)})
        browser = open_browser(jupyter)
        async with browser.tab() as deaf:
            async with browser.tab() as tab:
                heard = [(await tab.next("event"))["event"]["id"] for _ in range(count)]
            assert heard == list(range(heard[0], heard[0] + count))
            async with asyncio.timeout(60):
                while (await deaf.websocket.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass  # what was on its way
            assert deaf.websocket.close_code in (4508, aiohttp.WSCloseCode.ABNORMAL_CLOSURE)
