"""How the JupyterLab panel does with 1,000 jobs or long assembly, in a real browser without a graphics card."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright
from tests_lab import LabProcess
from tests_processes import ExecutorProcess, ServerProcess

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
        async with browser_page() as page:
            await page.add_init_script(PAINTED)
            await page.goto(f"{lab.url}/lab/tree/{path}?token={lab.token}&reset")
            await open_panel(page)
            await page.locator(".tr-Job").first.wait_for()
            yield server, page
    finally:
        if lab.process:
            lab.stop()
        server.stop()


@asynccontextmanager
async def browser_page() -> AsyncIterator[Page]:
    async with async_playwright() as started:
        browser = await started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield await browser.new_page(viewport={"width": 1280, "height": 800})
        await browser.close()


async def open_panel(page: Page) -> None:
    await page.locator(".jp-Notebook .jp-CodeCell").wait_for()
    await page.evaluate("() => window.jupyterapp.commands.execute('telerun:open-panel')")


async def busy_shares(page: Page, seconds: float) -> tuple[float, float]:
    """Of the main thread's time: by a trace of the browser, and by its own counter of the time in tasks."""
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("Performance.enable")

    async def now() -> tuple[float, float]:
        metrics = {entry["name"]: entry["value"] for entry in (await cdp.send("Performance.getMetrics"))["metrics"]}
        return metrics["TaskDuration"], metrics["Timestamp"]

    browser = page.context.browser
    assert browser is not None
    await browser.start_tracing(page=page, categories=["toplevel", "disabled-by-default-devtools.timeline"])
    tasks, start = await now()
    await page.wait_for_timeout(1e3 * seconds)
    tasks_then, end = await now()
    trace = json.loads(await browser.stop_tracing())
    await cdp.detach()
    return main_thread_busy_s(trace["traceEvents"]) / (end - start), (tasks_then - tasks) / (end - start)


def main_thread_busy_s(events: list[dict[str, Any]]) -> float:
    """Seconds in tasks of the renderer's main thread, the busiest where there are several; what nests counts once."""
    named = [event for event in events if event["name"] == "thread_name"]
    mains = {(event["pid"], event["tid"]) for event in named if event["args"]["name"] == "CrRendererMain"}
    busy = dict.fromkeys(mains, 0.0)
    ends = dict.fromkeys(mains, 0.0)
    tasks = [event for event in events if event["ph"] == "X" and "RunTask" in event["name"]]
    for task in sorted(tasks, key=lambda event: float(event["ts"])):
        thread, end = (task["pid"], task["tid"]), task["ts"] + task.get("dur", 0)
        if thread in mains and end > ends[thread]:
            busy[thread] += end - max(task["ts"], ends[thread])
            ends[thread] = end
    return max(busy.values()) / 1e6


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
    shares = await busy_shares(page, 5)
    report.line("main thread busy, 20 jobs queued and nothing happening", both(shares))
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(events(server, EVENTS_S))
        await asyncio.sleep(1)
        shares = await busy_shares(page, EVENTS_S - 2)
        await sending
    report.line("main thread busy at 20 events/s (goal: below 50 %)", both(shares))
    last = spec(2 * JOBS + EVENTS_S * EVENTS_PER_S // 2).name
    await page.locator(".tr-Job[data-state=cancelled]", has_text=last).wait_for()


def both(shares: tuple[float, float]) -> str:
    return f"{100 * shares[0]:8.1f} % by trace, {100 * shares[1]:.1f} % by counter"


ROWS = "pane => Math.round(pane.querySelector('.tr-List-height').clientHeight / 18)"
ASM_ROWS = 20_000
LINKS = 100
SWITCHES = 10
KERNELS = """%%telerun cu --asm --arch 80,90 --compile-only --name kernels
template <int N> __device__ __forceinline__ float chain(float x, float y) {
  #pragma unroll
  for (int i = 0; i < N; i++) {
    x = fmaf(x, y, 1.0f / (i + 2));
    y = y * 0.5f + x;
    x += __sinf(y);
  }
  return x + y;
}
template <int N> __global__ void work(float *a) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  a[i] = chain<N>(a[i], i);
}
int main() {
  work<300><<<1, 1>>>(0); work<400><<<1, 1>>>(0); work<500><<<1, 1>>>(0);
  work<600><<<1, 1>>>(0); work<700><<<1, 1>>>(0); work<800><<<1, 1>>>(0); work<900><<<1, 1>>>(0);
}
"""
LINK = """count => new Promise(resolve => {
  const taken = [];
  const next = () => {
    const lines = document.querySelectorAll('.tr-Pane[data-kind=sass] .tr-Line[data-line]');
    const start = performance.now();
    lines[taken.length % lines.length].dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
    requestAnimationFrame(() => setTimeout(() => {
      taken.push(performance.now() - start);
      taken.length === count ? resolve(taken) : next();
    }));
  };
  next();
})"""
SWITCH = """count => new Promise(resolve => {
  const taken = [];
  const next = () => {
    const start = performance.now();
    document.querySelectorAll('.tr-Asm input')[taken.length % 2].click();
    requestAnimationFrame(() => setTimeout(() => {
      taken.push(performance.now() - start);
      taken.length === count ? resolve(taken) : next();
    }));
  };
  next();
})"""


async def test_assembly_of_many_rows(tmp_path: Path, report) -> None:
    server = ServerProcess(tmp_path / "server").start()
    executor = ExecutorProcess(server, tmp_path / "executor").start()
    lab = LabProcess(tmp_path / "lab").start(server.environment())
    try:
        path = lab.write_notebook("asm.ipynb", ["%load_ext telerun_magic", KERNELS])
        async with browser_page() as page:
            await page.goto(f"{lab.url}/lab/tree/{path}?token={lab.token}&reset")
            await open_panel(page)
            for cell in range(2):
                await page.locator(".jp-CodeCell .cm-content").nth(cell).click()
                await page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-cell')")
            await page.locator(".tr-Job[data-state=succeeded] .tr-Job-open").click(timeout=180_000)
            await page.get_by_role("tab", name="Assembly").click()
            pane = page.locator(".tr-Pane[data-kind=sass]")
            await pane.locator(".tr-Line").first.wait_for()
            rows = await pane.evaluate(ROWS)
            assert rows >= ASM_ROWS
            report.line("rows of SASS, of each of two architectures", f"{rows:8}")
            report.line("rows drawn", f"{await page.locator('.tr-Panes .tr-Line').count():8}")
            list_of = SCROLL.replace("'.tr-Jobs'", "'.tr-Pane[data-kind=sass] .tr-List'")
            frames = await page.evaluate(list_of, FRAMES)
            report.milliseconds("a frame while scrolling (60 Hz: 16.67 ms)", [frame / 1e3 for frame in frames])
            late = sum(frame > 1.5 * FRAME_MS for frame in frames)
            report.line("frames that came late", f"{100 * late / len(frames):8.1f} %")
            links = await page.evaluate(LINK, LINKS)
            report.milliseconds("from the pointer on a line to its partners marked", [one / 1e3 for one in links])
            switches = await page.evaluate(SWITCH, SWITCHES)
            report.milliseconds(
                "from a switch of directives or labels to the new rows", [one / 1e3 for one in switches]
            )
    finally:
        lab.stop()
        executor.stop()
        server.stop()
