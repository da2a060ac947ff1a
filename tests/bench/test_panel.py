"""How the JupyterLab panel does with 1,000 jobs of a real server, in a real browser without a graphics card."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import CDPSession, Page, async_playwright
from tests_lab import LabProcess
from tests_processes import ServerProcess

from telerun_protocol.client import Client
from telerun_protocol.messages import ClaimRequest, ExecutorInfo, JobSpec, Report, Result, ToolchainInfo
from telerun_protocol.states import Language, Reason, State

CHROMIUM = os.environ.get("TELERUN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
JOBS = 1000
QUEUED = 20  # of them; the others have ended
AT_ONCE = 32
LOADS = 5
FRAMES = 300
FRAME_MS = 1000 / 60
EVENTS_PER_S = 20
EVENTS_S = 15

PAINTED = """performance.setResourceTimingBufferSize(5000);
new MutationObserver((_, observer) => {
  if (document.querySelector('.tr-Job')) {
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.painted = performance.now(); }));
  }
}).observe(document, { subtree: true, childList: true });"""
AFTER_DATA = """() => window.painted - Math.max(...performance.getEntriesByType('resource')
  .filter(({ name }) => name.includes('/telerun/api/jobs?') || name.includes('/telerun/api/status'))
  .map(entry => entry.responseEnd).filter(end => end < window.painted))"""
SCROLL = """frames => new Promise(resolve => {
  const list = document.querySelector('.tr-Jobs');
  const taken = [];
  let last = 0, direction = 1;
  const step = now => {
    if (last) taken.push(now - last);
    last = now;
    if (taken.length === frames) return resolve(taken);
    if (list.scrollTop + list.clientHeight >= list.scrollHeight) direction = -1;
    if (list.scrollTop <= 0) direction = 1;
    list.scrollTop += direction * list.clientHeight * 0.4;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""


def spec(number: int) -> JobSpec:
    name, notebook = f"Experiment {number}", f"lesson {number % 7}.ipynb"
    return JobSpec(language=Language.COMMAND, args=("true",), name=name, notebook=notebook)


async def fill(server: ServerProcess) -> None:
    """A thousand jobs of which a third has failed."""
    async with server.client() as user, Client(server.url, server.executor_token_file.read_text().strip()) as executor:
        tools = (ToolchainInfo(language=Language.COMMAND, version="1"),)
        instance = uuid.uuid4().hex
        await executor.register(
            ExecutorInfo(instance=instance, version="bench", slots=64, compile_slots=64, toolchains=tools)
        )
        left = JOBS - QUEUED
        while left:
            number = min(AT_ONCE, left)
            await asyncio.gather(*(user.submit(spec(left - at)) for at in range(number)))
            request = ClaimRequest(instance=instance, request_id=uuid.uuid4().hex, max_jobs=number, wait_s=10)
            for claim in (await executor.claim(request)).claims:
                await executor.report([Report(job_id=claim.job_id, claim_id=claim.claim_id, result=result(left))])
                left -= 1
        await asyncio.gather(*(user.submit(spec(JOBS + at)) for at in range(QUEUED)))


def result(number: int) -> Result:
    if number % 3:
        return Result(state=State.SUCCEEDED, exit_code=0)
    return Result(state=State.FAILED, reason=Reason.NONZERO_EXIT, exit_code=1, message="It ended with exit code 1.")


@pytest.fixture
async def lab_page(tmp_path: Path) -> AsyncIterator[tuple[ServerProcess, Page]]:
    """The panel beside a notebook, on a server with all jobs."""
    server = ServerProcess(tmp_path / "server").start()
    lab = LabProcess(tmp_path / "lab")
    try:
        await fill(server)
        lab.start(server.environment())
        path = lab.write_notebook("bench.ipynb", ["1"])
        async with async_playwright() as started:
            browser = await started.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            )
            page = await browser.new_page(viewport={"width": 1280, "height": 800})
            await page.add_init_script(PAINTED)
            await page.goto(f"{lab.url}/lab/tree/{path}?token={lab.token}&reset")
            await open_panel(page)
            await page.locator(".tr-Job").first.wait_for()
            yield server, page
            await browser.close()
    finally:
        if lab.process:
            lab.stop()
        server.stop()


async def open_panel(page: Page) -> None:
    await page.locator(".jp-Notebook .jp-CodeCell").wait_for()
    await page.evaluate("() => window.jupyterapp.commands.execute('telerun:open-panel')")


async def busy_share(page: Page, cdp: CDPSession, seconds: float) -> float:
    """Of the main thread's time."""

    async def now() -> tuple[float, float]:
        metrics = {entry["name"]: entry["value"] for entry in (await cdp.send("Performance.getMetrics"))["metrics"]}
        return metrics["TaskDuration"], metrics["Timestamp"]

    tasks, start = await now()
    await page.wait_for_timeout(1e3 * seconds)
    tasks_then, end = await now()
    return (tasks_then - tasks) / (end - start)


async def events(server: ServerProcess, seconds: float) -> None:
    """Jobs that are queued and cancelled, two events each."""
    async with server.client() as user:
        start = time.monotonic()
        for number in itertools.count():
            due = start + number * 2 / EVENTS_PER_S
            if due > start + seconds:
                return
            await asyncio.sleep(due - time.monotonic())
            await user.cancel((await user.submit(spec(2 * JOBS + number))).id)


async def test_panel_with_a_thousand_jobs(lab_page: tuple[ServerProcess, Page], report) -> None:
    server, page = lab_page
    paints = []
    for _ in range(LOADS):  # the page is there before the data: the server starts when it waits for it
        server.kill()
        await page.reload()
        await open_panel(page)
        await page.locator(".tr-Notice[data-connection=unreachable]").first.wait_for()
        server.start(keep_tokens=True)
        await page.locator(".tr-Job").first.wait_for()
        await page.wait_for_function("() => window.painted")
        paints.append(await page.evaluate(AFTER_DATA) / 1e3)
    report.milliseconds("first paint after the data (goal: 300 ms)", paints)

    assert await page.locator(".tr-Job").first.get_attribute("aria-setsize") == f"{JOBS}"
    frames = await page.evaluate(SCROLL, FRAMES)
    report.milliseconds("a frame while scrolling (60 Hz: 16.67 ms)", [frame / 1e3 for frame in frames])
    late = sum(frame > 1.5 * FRAME_MS for frame in frames)
    report.line("frames that came late", f"{100 * late / len(frames):8.1f} %")
    report.line("rows drawn of 1,000", f"{await page.locator('.tr-Job').count():8}")

    await page.locator(".tr-Jobs").evaluate("list => { list.scrollTop = 0; }")
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("Performance.enable")
    idle = await busy_share(page, cdp, 5)
    report.line("main thread busy, 20 jobs queued and nothing happening", f"{100 * idle:8.1f} %")
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(events(server, EVENTS_S))
        await asyncio.sleep(1)
        busy = await busy_share(page, cdp, EVENTS_S - 2)
        await sending
    report.line("main thread busy at 20 events/s (goal: below 50 %)", f"{100 * busy:8.1f} %")
    last = spec(2 * JOBS + EVENTS_S * EVENTS_PER_S // 2).name
    await page.locator(".tr-Job[data-state=cancelled]", has_text=last).wait_for()
