"""The panel in a real JupyterLab, with a real server and executor, in a real browser.

`SCREENSHOTS=docs/images` with `-k lesson` makes the pictures of the documentation anew.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests_lab import EXTENSION, LabProcess
from tests_processes import ExecutorProcess, ServerProcess

from telerun_protocol.client import Client
from telerun_protocol.messages import Device, DeviceReading, ExecutorInfo, HeartbeatRequest
from telerun_protocol.states import Isolation

playwright = pytest.importorskip("playwright.sync_api")
from tests_page import CHROMIUM, CHROMIUM_OPTIONS, WAIT_MS, Page  # noqa: E402

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium"),
    pytest.mark.skipif(not (EXTENSION / "package.json").exists(), reason="the front end is not built"),
]

COUNTING = """%%telerun cpp --name counting
#include <cstdio>
#include <unistd.h>
int main() {
  for (int i = 0; i < SECONDS * 5; i++) { std::printf("line %d\\n", i); std::fflush(stdout); usleep(200000); }
  std::puts("THE END");
}
"""
LOAD = "%load_ext telerun_magic"


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("panel-server")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module", autouse=True)
def executor(queue: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExecutorProcess]:
    process = ExecutorProcess(queue, tmp_path_factory.mktemp("panel-executor"), "--slots", "2", "--compile-slots", "2")
    yield process.start()
    process.stop()


@pytest.fixture(scope="module")
def lab(queue: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabProcess]:
    process = LabProcess(tmp_path_factory.mktemp("lab"), base_url="/user/ada/").start(queue.environment())
    yield process
    process.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = os.environ.get("SCREENSHOTS")
    return Path(kept) if kept else tmp_path_factory.mktemp("pictures")


@pytest.fixture
def new_page(
    browser: playwright.Browser, lab: LabProcess, queue: ServerProcess, pictures: Path
) -> Iterator[Callable[[], Page]]:
    """Pages that, in the end, must have had no error and no token of the queue."""
    pages: list[Page] = []

    def open_page() -> Page:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        pages.append(Page(page, lab, pictures))
        return pages[-1]

    yield open_page
    tokens = [path.read_text().strip() for path in queue.tokens.iterdir()]
    for page in pages:
        content = page.page.content()
        page.page.close()
        assert not page.errors
        assert not [token for token in tokens if token in content or any(token in text for text in page.received)]


@pytest.fixture
def page(new_page: Callable[[], Page]) -> Page:
    return new_page()


def test_a_cell_appears_in_the_panel_and_finishes(page: Page, lab: LabProcess) -> None:
    page.open(lab.write_notebook("live.ipynb", [LOAD, COUNTING.replace("SECONDS", "2")]), 2)
    page.run_cell(0)
    page.run_cell(1)
    page.job("running", "counting").wait_for()
    page.keep("cell-runs")
    page.job("succeeded", "counting").first.wait_for()
    view = page.open_job("succeeded", "counting")
    page.has_text(view.locator(".tr-Log-lines"), "THE END")
    playwright.expect(view.get_by_test_id("lines")).to_have_text("11 lines")
    page.page.get_by_role("tab", name="Details").click()
    page.has_text(view, "g++")
    page.has_text(view, "LANG=C.UTF-8")  # of the whole environment that ran
    page.page.get_by_role("tab", name="Source").click()
    page.has_text(view.locator(".tr-Source"), 'std::puts("THE END");')


def test_cancel_from_the_panel_while_the_kernel_is_blocked(page: Page, lab: LabProcess) -> None:
    page.open(lab.write_notebook("cancel.ipynb", [LOAD, COUNTING.replace("SECONDS", "100")]), 2)
    page.run_cell(0)
    page.run_cell(1)
    page.job("running").locator(".tr-Job-cancel").click()
    page.job("cancelled").first.wait_for()
    page.has_text(page.output(1), "cancelled")
    page.keep("cancelled")


def has_each_once(output: playwright.Locator, lines: list[str]) -> None:
    shown = output.inner_text().splitlines()
    assert [(line, shown.count(line)) for line in lines] == [(line, 1) for line in lines]


def test_output_heals_after_a_reload(page: Page, lab: LabProcess) -> None:
    """Of more than a display holds: what the kernel wrote before it was lost and what came later, each line once."""
    filler = "x" * 1000
    long = COUNTING.replace("SECONDS", "8").replace("line %d\\n", f"line %d\\n{filler}\\n")
    path = lab.write_notebook("reload.ipynb", [LOAD, long])
    page.open(path, 2)
    page.run_cell(0)
    page.run_cell(1)
    page.output(1).locator(".tr-Output[data-state=running]").wait_for()
    page.has_text(page.output(1), "line 3")
    page.save()
    page.page.reload()
    page.page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.wait_for_notebook(2)
    page.has_text(page.output(1), "line 12")
    has_each_once(page.output(1), [f"line {number}" for number in range(12)])
    page.output(1).locator(".tr-Output[data-state=succeeded]").wait_for()
    lines = [*(f"line {number}" for number in range(40)), "THE END"]
    has_each_once(page.output(1), lines)
    page.save()
    shown, printed = json.loads((lab.root / path).read_text())["cells"][1]["outputs"]
    assert shown["data"]["application/vnd.telerun.job.v1+json"]["state"] == "succeeded"
    assert "succeeded" in "".join(shown["data"]["text/html"])
    assert "succeeded" in "".join(shown["data"]["text/plain"])
    assert "".join(printed["text"]).splitlines()[::2] == lines
    page.keep("healed")


def test_the_panel_recovers_from_a_killed_server(page: Page, lab: LabProcess, queue: ServerProcess) -> None:
    page.open(lab.write_notebook("recovery.ipynb", [LOAD, COUNTING.replace("SECONDS", "1")]), 2)
    page.page.locator(".tr-Status-button[data-connection=live]").wait_for()
    queue.kill()
    notice = page.page.locator(".tr-Notice[data-connection=unreachable]").first
    notice.wait_for()
    page.has_text(notice, queue.url)
    page.keep("unreachable")
    queue.start(keep_tokens=True)
    page.page.locator(".tr-Status-button[data-connection=live]").wait_for()
    notice.wait_for(state="detached")
    page.run_cell(0)
    page.run_cell(1)
    page.output(1).locator(".tr-Output[data-state=succeeded]").wait_for()
    page.has_text(page.output(1), "THE END")


def test_the_toolbar_of_a_cell_offers_what_applies(page: Page, lab: LabProcess) -> None:
    cells = [LOAD, "print('plain')", "int main() {}", COUNTING.replace("SECONDS", "100"), "%%telerun py\nprint()"]
    page.open(lab.write_notebook("toolbar.ipynb", cells), 5)
    toolbar = page.page.locator(".jp-Notebook .jp-Cell.jp-mod-active .jp-cell-toolbar")

    def offers(index: int, *names: str) -> None:
        page.page.locator(".jp-Notebook .jp-CodeCell").nth(index).locator(".cm-content").click()
        for name in ("run", "asm", "cancel"):
            button = toolbar.locator(f"[data-jp-item-name=telerun-{name}]")
            playwright.expect(button).to_be_visible(visible=name in names, timeout=WAIT_MS)

    offers(1)
    page.page.keyboard.press("Control+A")
    page.page.keyboard.insert_text("int main() {}")
    offers(1, "run")
    offers(2, "run")
    offers(4, "run")
    offers(3, "run", "asm")
    toolbar.locator("[data-jp-item-name=telerun-asm]").click()
    page.has_text(page.page.locator(".jp-CodeCell.jp-mod-active .cm-content"), "%%telerun cpp --name counting --asm")
    page.run_cell(0)
    offers(3, "run", "asm")
    toolbar.locator("[data-jp-item-name=telerun-run]").click()
    offers(3, "run", "asm", "cancel")
    toolbar.locator("[data-jp-item-name=telerun-cancel]").click()
    page.has_text(page.output(3), "cancelled")
    offers(3, "run", "asm")


def test_a_picture_that_browsers_do_not_know_is_drawn(page: Page, lab: LabProcess) -> None:
    cell = "%%telerun py --name drawn\nopen('out/red.ppm', 'wb').write(b'P6 40 30 255 ' + bytes([255, 0, 0]) * 1200)"
    page.open(lab.write_notebook("drawn.ipynb", [LOAD, cell]), 2)
    page.run_cell(0)
    page.run_cell(1)
    page.job("succeeded", "drawn").first.locator(".tr-Job-open").click()
    page.page.get_by_role("tab", name="Files").click()
    page.page.locator(".tr-Preview canvas").wait_for()
    page.page.wait_for_function(
        """() => { const drawn = document.querySelector('.tr-Preview canvas');
           return [...drawn.getContext('2d').getImageData(39, 29, 1, 1).data].join() === '255,0,0,255'; }"""
    )


HOSTILE = """%%telerun py --name '<img src=x onerror="window.pwned=1">'
import os
os.makedirs("out", exist_ok=True)
attack = "<script>window.pwned = 2</script><img src=x onerror='window.pwned=3'>"
for name in ["<img src=x onerror=window.pwned=4>.csv", "page.html", "a.svg"]:
    open("out/" + name, "w").write(attack + "," + attack)
print(attack)
print("\\x1b]8;;javascript:alert(1)\\x07click\\x1b]8;;\\x07 \\x1b[31;38;2;1;2;3;999mred\\x1b[0m \\u202egnp.exe")
"""


def test_hostile_names_and_outputs_are_inert(page: Page, lab: LabProcess) -> None:
    page.open(lab.write_notebook("hostile.ipynb", [LOAD, HOSTILE]), 2)
    page.run_cell(0)
    page.run_cell(1)
    row = page.job("succeeded", "<img src=x")
    row.first.locator(".tr-Job-open").click()
    view = page.page.locator(".tr-JobView-inner")
    page.has_text(view.locator(".tr-Log-lines"), "<script>window.pwned = 2</script>")
    assert not view.locator(".tr-Log-lines a, .tr-Log-lines img").count()
    for tab in ("Details", "Source", "Files"):
        page.page.get_by_role("tab", name=tab).click()
        page.page.wait_for_timeout(200)
    for name in ("page.html", "a.svg", ".csv"):
        view.locator(".tr-Files li", has_text=name).locator(".tr-Files-name").click()
        page.has_text(view.locator(".tr-Preview"), "window.pwned = 2")
    assert page.page.evaluate("() => window.pwned") is None


def test_an_output_of_unknown_origin_asks_for_nothing(page: Page, lab: LabProcess) -> None:
    path = lab.write_notebook("foreign.ipynb", [LOAD, "%%telerun cu"])
    notebook = json.loads((lab.root / path).read_text())
    facts = {"id": "../../../api/contents", "number": 1, "language": "cu", "state": "running", "created_at": 0}
    html = "<b>saved</b><img src=x onerror='window.pwned=5'><script>window.pwned = 6</script>"
    data = {"application/vnd.telerun.job.v1+json": facts, "text/html": html, "text/plain": "saved"}
    notebook["cells"][1]["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]
    (lab.root / path).write_text(json.dumps(notebook))
    asked: list[str] = []
    page.page.on("request", lambda request: asked.append(request.url))
    page.open(path, 2)
    page.has_text(page.output(1), "saved")
    page.page.wait_for_timeout(3000)  # longer than an output waits before it heals itself
    assert not [url for url in asked if "bundle" in url or url.rstrip("/").endswith("/api/contents")]
    assert page.page.evaluate("() => window.pwned") is None


def test_a_long_log_is_followed_and_searched(page: Page, lab: LabProcess) -> None:
    cell = "%%telerun py --name long --no-wait\nfor n in range(100_000): print(f'value {n} of many')\n"
    page.open(lab.write_notebook("long.ipynb", [LOAD, cell]), 2)
    page.run_cell(0)
    page.run_cell(1)
    page.job("succeeded", "long").first.locator(".tr-Job-open").click()
    view = page.page.locator(".tr-JobView-inner[data-state=succeeded]")
    playwright.expect(view.get_by_test_id("lines")).to_have_text("100000 lines", timeout=WAIT_MS)
    assert view.locator(".tr-Line").count() < 200
    view.get_by_label("Search in the log").fill("value 54321 of")
    page.has_text(view.locator(".tr-Line[data-match]"), "value 54321 of many")
    page.keep("long-log")
    page.has_text(page.output(1), "value 99999 of many")  # though the kernel did not wait for it
    page.has_text(page.output(1), "not shown, see telerun_magic.job(")


ASM = """%%telerun cpp --asm --name asm
#include <cstdio>
int twice(int n) {
  return n * 2;
}
int main(int count, char **) {
  std::printf("%d\\n", twice(count));
}
#define FOUR(x) x x x x
void much() {
  FOUR(FOUR(FOUR(FOUR(FOUR(FOUR(asm volatile("nop\\nnop\\nnop\\nnop\\nnop");))))))
}
"""
ASM_ROWS = 20_000
ROWS = "pane => Math.round(pane.querySelector('.tr-List-height').clientHeight / 18)"


def test_assembly_is_linked_with_the_source_and_the_cell(page: Page, lab: LabProcess) -> None:
    page.open(lab.write_notebook("asm.ipynb", [LOAD, ASM]), 2)
    page.run_cell(0)
    page.run_cell(1)
    page.job("succeeded", "asm").first.wait_for()
    view = page.open_job("succeeded", "asm")
    view.get_by_role("tab", name="Assembly").click()
    source, host = (view.locator(f".tr-Pane[data-kind={kind}]") for kind in ("source", "host"))
    line = page.cell(1).locator(".cm-line")
    hot = page.page.locator(".jp-CodeCell .tr-cm-hot")
    source.locator(".tr-Line[data-line='3']").hover()
    host.locator(".tr-Line[data-line='3'][data-hot]").first.wait_for()
    page.has_text(hot, "return n * 2;")
    page.has_text(view.get_by_role("status"), "line 4")  # of the cell, which begins with its magic
    host.locator(".tr-Line[data-line='6']").first.hover()
    page.has_text(hot, "twice(count)")
    line.filter(has_text="return n * 2;").hover()
    source.locator(".tr-Line[data-line='3'][data-hot]").wait_for()
    line.filter(has_text="std::printf").click()  # which stays, wherever the pointer goes
    view.get_by_role("heading").hover()
    host.locator(".tr-Line[data-line='6'][data-hot]").first.wait_for()
    page.has_text(hot, "twice(count)")

    assert host.evaluate(ROWS) >= ASM_ROWS
    host.locator(".tr-List").evaluate("list => { list.scrollTop = list.scrollHeight; }")
    host.locator(".tr-Line[data-line='10']").first.hover()
    source.locator(".tr-Line[data-line='10'][data-hot]").wait_for()
    assert host.locator(".tr-Line").count() < 200
    view.get_by_label("Function").select_option(label="twice(int)")
    playwright.expect(host.get_by_text("_Z5twicei:")).to_be_visible(timeout=WAIT_MS)
    view.get_by_label("Labels").uncheck()
    playwright.expect(host.get_by_text("_Z5twicei:")).to_have_count(0, timeout=WAIT_MS)
    assert host.evaluate(ROWS) < 10


def test_a_file_runs_from_the_file_browser(page: Page, lab: LabProcess) -> None:
    (lab.root / "greet.cpp").write_text(
        '#include <cstdio>\nint main(int, char **v) { std::printf("hello %s\\n", v[1]); }\n'
    )
    page.open(lab.write_notebook("files.ipynb", [LOAD, "1"]), 2)
    page.command("filebrowser:activate")
    page.page.locator(".jp-DirListing-item", has_text="greet.cpp").click(button="right")
    page.page.get_by_role("menuitem", name="Run on Telerun…").click()
    page.page.get_by_label("Arguments of the program").fill("Ada")
    page.keep("file-options")
    page.page.locator(".jp-Dialog .jp-mod-accept").click()
    page.has_text(page.page.locator(".tr-JobView-inner .tr-Log-lines"), "hello Ada")


def test_two_tabs_see_the_same_jobs(new_page: Callable[[], Page], lab: LabProcess) -> None:
    """And the one whose cell is out of sight hears of its end."""
    first, second = new_page(), new_page()
    first.open(lab.write_notebook("first.ipynb", [LOAD, COUNTING.replace("SECONDS", "3")]), 2)
    second.open(lab.write_notebook("second.ipynb", [LOAD, "1"]), 2)
    first.run_cell(0)
    first.run_cell(1)
    second.job("running", "counting").wait_for()
    job = second.job("running", "counting").get_attribute("data-job")
    first.command("launcher:create")
    first.command("filebrowser:activate")
    second.page.locator(f".tr-Job[data-job={job}][data-state=succeeded]").wait_for()
    toast = first.page.locator(".Toastify__toast", has_text="counting: succeeded")
    toast.wait_for()
    first.keep("toast")
    toast.get_by_role("button", name="Show cell").click()
    playwright.expect(first.page.locator(".jp-Notebook .jp-Cell.jp-mod-active")).to_contain_text("%%telerun cpp")
    first.page.get_by_role("button", name="0 running · 0 queued").click()
    first.page.locator(f".tr-Job[data-job={job}]").wait_for()
    assert not second.page.locator(".Toastify__toast").count()


def test_a_magic_cell_is_highlighted_as_its_language(page: Page, lab: LabProcess) -> None:
    page.open(lab.write_notebook("colours.ipynb", [LOAD, "%%telerun cpp\n// it's a comment\nint main() {}"]), 2)
    cell = page.page.locator(".jp-Notebook .jp-CodeCell").nth(1)
    page.has_text(cell.locator(".tr-cm-magic"), "%%telerun cpp")
    mime = "() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.mimeType"
    assert page.page.evaluate(mime) == "text/x-telerun-cpp"
    cell.locator(".cm-line", has_text="int main").click()
    page.page.keyboard.press("Control+/")
    page.has_text(cell.locator(".cm-content"), "// int main() {}")
    cell.locator(".cm-content").click()
    page.page.keyboard.press("Control+A")
    page.page.keyboard.insert_text("print('plain')")
    page.page.wait_for_function(f"() => ({mime})() === 'text/x-ipython'")


def test_notebook_7_shows_the_panel_and_live_outputs(
    new_page: Callable[[], Page], queue: ServerProcess, tmp_path: Path
) -> None:
    pytest.importorskip("notebook")
    classic = LabProcess(tmp_path, app="notebook").start(queue.environment())
    try:
        path = classic.write_notebook("classic.ipynb", [LOAD, COUNTING.replace("SECONDS", "1")])
        page = new_page()
        page.page.goto(f"{classic.url}/notebooks/{path}?token={classic.token}")
        page.wait_for_notebook(2)
        page.run_cell(0)
        page.run_cell(1)
        page.output(1).locator(".tr-Output[data-state=succeeded]").wait_for()
        page.has_text(page.page.locator(".tr-cm-magic").first, "%%telerun cpp")
        page.command("telerun:open-panel")
        page.job("succeeded", "counting").first.locator(".tr-Job-open").click()
        page.has_text(page.page.locator(".tr-JobView-inner:visible .tr-Log-lines"), "THE END")
        page.page.get_by_role("button", name="Executors").click()
        page.has_text(page.page.locator(".tr-Executors:visible"), "isolation")
        page.keep("notebook-7")
    finally:
        classic.stop()


def test_actions_of_a_job(page: Page, lab: LabProcess) -> None:
    cell = '#include <cstdio>\nint main() { std::puts("plain cell"); }'
    page.open(lab.write_notebook("actions.ipynb", [LOAD, cell]), 2)
    page.page.locator(".jp-Notebook .jp-CodeCell").nth(1).locator(".cm-content").click()
    page.command("telerun:run-cell")
    view = page.page.locator(".tr-JobView-inner[data-state=succeeded]")
    page.has_text(view.locator(".tr-Log-lines"), "plain cell")
    page.page.get_by_role("tab", name="actions.ipynb").click()
    page.page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0 }")
    view.locator("[data-command='telerun:show-cell']").click()
    page.page.wait_for_function("() => window.jupyterapp.shell.currentWidget?.content?.activeCellIndex === 1")
    view.locator("[data-command='telerun:open-source']").click()
    page.wait_for_notebook(3)
    page.has_text(page.page.locator(".jp-CodeCell").nth(2), "%%telerun cpp")
    view.locator("[data-command='telerun:insert-job']").click()
    page.wait_for_notebook(4)
    page.run_cell(0)
    page.run_cell(3)
    page.has_text(page.output(3), "succeeded")
    view.locator("[data-command='telerun:run-again']").click()
    playwright.expect(page.page.get_by_role("tab", name="C++ #")).to_have_count(2, timeout=WAIT_MS)


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
    playwright.expect(view.locator("[data-view][aria-pressed=true]")).to_have_text(
        ["PTX sm_90", "SASS sm_90"], timeout=WAIT_MS
    )
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
