"""What the panel looks like.

`SCREENSHOTS=docs/images` with `-k lesson` makes the pictures of the documentation anew.
"""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import expect
from tests_lab import LabProcess
from tests_page import LOAD, WAIT_MS, Page
from tests_processes import ServerProcess

from telerun_protocol.client import Client
from telerun_protocol.messages import Device, DeviceReading, ExecutorInfo, HeartbeatRequest
from telerun_protocol.states import Isolation

pytestmark = pytest.mark.timeout(300)


LESSON = [
    LOAD,
    """%%telerun cu --asm --arch 90 --compile-only --name SAXPY
__global__ void saxpy(int n, float a, const float *x, float *y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}
int main() {
  saxpy<<<1, 256>>>(0, 2.0f, nullptr, nullptr);
}
""",
    """%%telerun cpp --name "Matrix transpose" --keep-going
#include <cstdio>
int main() {
  return rows;
}""",
    """%%telerun cpp --std c++20 --name "Heat equation"
#include <cstdio>
#include <unistd.h>
#include <vector>
int main() {
  std::vector<double> u(512, 20.0), v(512);
  u[256] = 1000.0;  // it's hot here
  for (int step = 0; step <= 600; step++) {
    for (size_t i = 1; i + 1 < u.size(); i++)
      v[i] = u[i] + 0.25 * (u[i - 1] - 2 * u[i] + u[i + 1]);
    u.swap(v);
    std::printf("step %3d  peak \\x1b[31m%7.2f\\x1b[0m degrees\\n", step, u[256]);
    std::fflush(stdout);
    usleep(100000);
  }
}
""",
]


def test_a_lesson(page: Page, lab: LabProcess) -> None:
    """What the pictures of the documentation show."""
    page.open(lab.write_notebook("heat.ipynb", LESSON), 4)
    for cell, text in enumerate(("", "SASS sm_90", "cell line 4:10")):
        page.run_cell(cell)
        page.has_text(page.output(cell), text)
    page.cell(2).locator(".cm-content").click()
    page.cell(2).locator("[data-jp-item-name=telerun-run]").wait_for()
    page.keep("cell", page.cell(2))
    page.run_cell(3)
    page.has_text(page.output(3), "step   9")
    view = page.open_job("running", "Heat equation")
    page.cell(3).scroll_into_view_if_needed()
    page.page.evaluate("() => document.querySelectorAll('.jp-CodeCell')[3].scrollIntoView()")
    page.has_text(view.locator(".tr-Log-lines"), "step  30")
    assert view.locator(".tr-fg-red", has_text=".").count()
    page.keep("panel")
    view.locator("[data-command='telerun:cancel-job']").click()
    page.job("cancelled", "Heat equation").first.wait_for()

    page.show_theme("JupyterLab Dark")
    view = page.open_job("succeeded", "SAXPY")
    view.get_by_role("tab", name="Assembly").click()
    expect(view.locator("[data-view][aria-pressed=true]")).to_have_text(["PTX sm_90", "SASS sm_90"], timeout=WAIT_MS)
    page.page.evaluate("() => document.querySelectorAll('.jp-CodeCell')[1].scrollIntoView()")
    ptx, sass = (view.locator(f".tr-Pane[data-kind={kind}]") for kind in ("ptx", "sass"))
    ptx.locator(".tr-Line[data-line='3']", has_text="setp").hover()
    for partner in (sass, view.locator(".tr-Pane[data-kind=source]"), ptx):
        partner.locator(".tr-Line[data-line='3'][data-hot]").first.wait_for()
    page.has_text(page.page.locator(".jp-CodeCell .tr-cm-hot"), "if (i < n)")
    page.keep("assembly")


async def tell_of_a_gpu(queue: ServerProcess, gpu_id: str) -> None:
    """As an executor with one does, which takes no job."""
    gpu = Device(kind="nvidia", name="NVIDIA H100", id=gpu_id, arch="sm_90", memory_bytes=80 << 30, sm_clock_hz=1.98e9)
    told: dict[str, Any] = {"power_w": 350.0, "temperature_c": 61.0, "sm_clock_hz": 1.7e9, "memory_used_bytes": 8 << 30}
    async with Client(queue.url, queue.executor_token_file.read_text().strip()) as client:
        info = ExecutorInfo(
            instance=uuid.uuid4().hex,
            version="1",
            slots=1,
            compile_slots=1,
            devices=(gpu,),
            isolation=Isolation.DEGRADED,
        )
        await client.register(info)
        for at, load in enumerate((0.1, 0.9, 0.4)):
            reading = DeviceReading(id=gpu.id, at=60.0 * at, utilization=load, leased=True, **told)
            await client.heartbeat(HeartbeatRequest(instance=info.instance, readings=(reading,)))


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_everything_can_be_read(page: Page, lab: LabProcess, queue: ServerProcess, theme: str) -> None:
    with ThreadPoolExecutor() as threads:  # this one has the browser's event loop
        threads.submit(asyncio.run, tell_of_a_gpu(queue, f"GPU-{theme}")).result()
    broken = "%%telerun cpp --name broken --keep-going\nint main() {\n  return x;\n}"
    page.open(lab.write_notebook("narrow.ipynb", [LOAD, broken]), 2)
    page.show_theme(theme)
    page.run_cell(0)
    page.run_cell(1)
    where = "cell line 3:10: ‘x’ was not declared"
    page.has_text(page.output(1), "cell line 3:10")
    view = page.open_job("failed", where)
    page.has_text(view.locator(".tr-Header-why"), where)
    for width in (1280, 800):
        page.page.set_viewport_size({"width": width, "height": 800})
        for tab, text in (("Details", "Commands"), ("Source", "cell line 3:10")):
            view.get_by_role("tab", name=tab).click()
            page.has_text(view, text)
            page.reads_well()
            page.keep(f"{theme.split()[1].lower()}-{width}-{tab.lower()}")
    page.command("telerun:open-executors")
    card = page.page.locator(".tr-Card", has=page.page.locator(f"[data-device='GPU-{theme}']"))
    page.has_text(card, "degraded")
    page.has_text(card.locator(".tr-Device"), "busy")
    measures = [chart.get_attribute("aria-label") for chart in card.get_by_role("img").all()]
    assert measures[0] == "Utilisation: now 40 %, between 10 % and 90 % in the last 10 minutes"
    assert [text.partition(", ")[0] for text in measures[1:] if text] == [
        *("Memory: now 8 GiB", "Power: now 350 W", "Temperature: now 61 °C", "Clock: now 1.70 GHz")
    ]
    page.reads_well()
    page.keep(f"{theme.split()[1].lower()}-800-executors")
