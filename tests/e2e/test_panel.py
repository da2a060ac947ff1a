"""The panel in a real JupyterLab, with a real server and executor, in a real browser."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests_lab import EXTENSION, LabProcess
from tests_processes import ExecutorProcess, ServerProcess

playwright = pytest.importorskip("playwright.sync_api")

CHROMIUM = os.environ.get("TELERUN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
CHROMIUM_OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
WAIT_MS = 40_000

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


class Page:
    """A browser's page on the Lab, and everything that it received."""

    def __init__(self, page: playwright.Page, lab: LabProcess) -> None:
        self.page = page
        self.lab = lab
        self.errors: list[str] = []
        self.received: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", self._fail)
        page.on("response", self._record)
        page.on("websocket", lambda socket: socket.on("framereceived", lambda data: self.received.append(str(data))))

    def _fail(self, error: playwright.Error) -> None:
        if "notebook_core" not in (error.stack or "") or "telerun" in (
            error.stack or ""
        ):  # Notebook has one of its own
            self.errors.append(f"{error}\n{error.stack}")

    def _record(self, response: playwright.Response) -> None:
        self.received.append(json.dumps(response.headers))
        if "/telerun/" in response.url and "/log" not in response.url:
            with contextlib.suppress(playwright.Error):  # the page went away before it had the body
                self.received.append(response.text())

    def open(self, notebook: str, cells: int) -> None:
        self.page.goto(f"{self.lab.url}/lab/tree/{notebook}?token={self.lab.token}&reset")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.wait_for_notebook(cells)
        self.command("telerun:open-panel")

    def wait_for_notebook(self, cells: int) -> None:
        self.page.wait_for_function(
            """count => { const w = window.jupyterapp?.shell.currentWidget; return w?.content?.widgets?.length === count
               && w.sessionContext?.session?.kernel && w.context.isReady; }""",
            arg=cells,
        )

    def command(self, name: str, **arguments: str) -> None:
        self.page.evaluate(
            "([name, args]) => { void window.jupyterapp.commands.execute(name, args) }", [name, arguments]
        )

    def run_cell(self, index: int) -> None:
        self.page.locator(".jp-Notebook .jp-CodeCell").nth(index).locator(".cm-content").click()
        self.command("notebook:run-cell")

    def output(self, index: int) -> playwright.Locator:
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index).locator(".jp-OutputArea")

    def job(self, state: str, name: str = "") -> playwright.Locator:
        return self.page.locator(f".tr-Job[data-state={state}]", has_text=name)

    def save(self) -> None:
        self.command("docmanager:save")
        self.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")

    def has_text(self, locator: playwright.Locator, text: str) -> None:
        playwright.expect(locator).to_contain_text(text, timeout=WAIT_MS)


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


@pytest.fixture
def new_page(browser: playwright.Browser, lab: LabProcess, queue: ServerProcess) -> Iterator[Callable[[], Page]]:
    """Pages that, in the end, must have had no error and no token of the queue."""
    pages: list[Page] = []

    def open_page() -> Page:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        pages.append(Page(page, lab))
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
    page.job("succeeded", "counting").first.locator(".tr-Job-open").click()
    view = page.page.locator(".tr-JobView-inner[data-state=succeeded]")
    page.has_text(view.locator(".tr-Log-lines"), "THE END")
    playwright.expect(view.get_by_test_id("lines")).to_have_text("11 lines")
    page.page.get_by_role("tab", name="Details").click()
    page.has_text(view, "g++")
    page.page.get_by_role("tab", name="Source").click()
    page.has_text(view.locator(".tr-Source"), 'std::puts("THE END");')


def test_cancel_from_the_panel_while_the_kernel_is_blocked(page: Page, lab: LabProcess) -> None:
    page.open(lab.write_notebook("cancel.ipynb", [LOAD, COUNTING.replace("SECONDS", "100")]), 2)
    page.run_cell(0)
    page.run_cell(1)
    page.job("running").locator(".tr-Job-cancel").click()
    page.job("cancelled").first.wait_for()
    page.has_text(page.output(1), "cancelled")


def has_each_once(output: playwright.Locator, lines: list[str]) -> None:
    shown = output.inner_text().splitlines()
    assert [(line, shown.count(line)) for line in lines] == [(line, 1) for line in lines]


def test_output_heals_after_a_reload(page: Page, lab: LabProcess) -> None:
    path = lab.write_notebook("reload.ipynb", [LOAD, COUNTING.replace("SECONDS", "8")])
    page.open(path, 2)
    page.run_cell(0)
    page.run_cell(1)
    page.output(1).locator(".tr-Output[data-state=running]").wait_for()
    page.has_text(page.output(1), "line 3")
    page.save()
    page.page.reload()
    page.page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.wait_for_notebook(2)
    page.output(1).locator(".tr-Output[data-complete=true][data-state=running]").wait_for()
    page.has_text(page.output(1), "line 12")
    has_each_once(page.output(1), [f"line {number}" for number in range(12)])
    page.output(1).locator(".tr-Output[data-state=succeeded]").wait_for()
    lines = [*(f"line {number}" for number in range(40)), "THE END"]
    has_each_once(page.output(1), lines)
    page.save()
    [output] = json.loads((lab.root / path).read_text())["cells"][1]["outputs"]
    bundle = output["data"]
    assert bundle["application/vnd.telerun.job.v1+json"]["state"] == "succeeded"
    assert "THE END" in "".join(bundle["text/html"])
    assert "succeeded" in "".join(bundle["text/plain"])


def test_the_panel_recovers_from_a_killed_server(page: Page, lab: LabProcess, queue: ServerProcess) -> None:
    page.open(lab.write_notebook("recovery.ipynb", [LOAD, COUNTING.replace("SECONDS", "1")]), 2)
    page.page.locator(".tr-Status-button[data-connection=live]").wait_for()
    queue.kill()
    notice = page.page.locator(".tr-Notice[data-connection=unreachable]").first
    notice.wait_for()
    page.has_text(notice, queue.url)
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


ASM = """%%telerun cpp --asm --name asm
#include <cstdio>
int twice(int n) {
  return n * 2;
}
int main(int count, char **) {
  std::printf("%d\\n", twice(count));
}
"""


def test_assembly_is_linked_with_the_source_and_the_cell(page: Page, lab: LabProcess) -> None:
    page.open(lab.write_notebook("asm.ipynb", [LOAD, ASM]), 2)
    page.run_cell(0)
    page.run_cell(1)
    page.job("succeeded", "asm").first.locator(".tr-Job-open").click()
    page.page.get_by_role("tab", name="Assembly").click()
    panes = page.page.locator(".tr-Panes")
    panes.locator(".tr-Pane[data-kind=source] .tr-Line[data-line='3']").hover()
    panes.locator(".tr-Pane[data-kind=host] .tr-Line[data-line='3'][data-hot]").first.wait_for()
    hot = page.page.locator(".jp-CodeCell .tr-cm-hot")
    page.has_text(hot, "return n * 2;")
    panes.locator(".tr-Pane[data-kind=host] .tr-Line[data-line='6']").first.hover()
    page.has_text(hot, "twice(count)")
    page.page.locator(".jp-CodeCell .cm-line", has_text="return n * 2;").hover()
    panes.locator(".tr-Pane[data-kind=source] .tr-Line[data-line='3'][data-hot]").wait_for()


def test_a_file_runs_from_the_file_browser(page: Page, lab: LabProcess) -> None:
    (lab.root / "greet.cpp").write_text(
        '#include <cstdio>\nint main(int, char **v) { std::printf("hello %s\\n", v[1]); }\n'
    )
    page.open(lab.write_notebook("files.ipynb", [LOAD, "1"]), 2)
    page.command("filebrowser:activate")
    page.page.locator(".jp-DirListing-item", has_text="greet.cpp").click(button="right")
    page.page.get_by_role("menuitem", name="Run on Telerun…").click()
    page.page.get_by_label("Arguments of the program").fill("Ada")
    page.page.locator(".jp-Dialog .jp-mod-accept").click()
    page.has_text(page.page.locator(".tr-JobView-inner .tr-Log-lines"), "hello Ada")


def test_two_tabs_see_the_same_jobs(new_page: Callable[[], Page], lab: LabProcess) -> None:
    first, second = new_page(), new_page()
    first.open(lab.write_notebook("first.ipynb", [LOAD, COUNTING.replace("SECONDS", "3")]), 2)
    second.open(lab.write_notebook("second.ipynb", [LOAD, "1"]), 2)
    first.run_cell(0)
    first.run_cell(1)
    second.job("running", "counting").wait_for()
    job = second.job("running", "counting").get_attribute("data-job")
    second.page.locator(f".tr-Job[data-job={job}][data-state=succeeded]").wait_for()


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
        page.page.screenshot(path=tmp_path / "notebook.png")
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


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("width", [1280, 800])
def test_nothing_is_cut_off(page: Page, lab: LabProcess, tmp_path: Path, theme: str, width: int) -> None:
    page.page.set_viewport_size({"width": width, "height": 800})
    page.open(lab.write_notebook("narrow.ipynb", [LOAD, "%%telerun cpp --name broken\nint main() { return x; }"]), 2)
    page.command("apputils:change-theme", theme=theme)
    page.page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
    page.run_cell(0)
    page.run_cell(1)
    page.job("failed", "broken").first.locator(".tr-Job-open").click()
    view = page.page.locator(".tr-JobView-inner[data-state=failed]")
    page.has_text(view.locator(".tr-Header-why"), "‘x’ was not declared")
    page.page.get_by_role("tab", name="Details").click()
    page.has_text(view, "Commands")
    page.page.screenshot(path=tmp_path / "panel.png")
    too_wide = """() => [...document.querySelectorAll('.tr-Filter, .tr-Jobs, .tr-Header, .tr-Facts, .tr-Output')]
        .filter(node => node.clientWidth && node.scrollWidth > node.clientWidth + 1).map(node => node.className)"""
    assert page.page.evaluate(too_wide) == []
