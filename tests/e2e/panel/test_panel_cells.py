"""Cells of a notebook beside the panel: what they show while their job runs, and after a reload or a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect
from tests_lab import LabProcess
from tests_page import COUNTING, LOAD, WAIT_MS, Page
from tests_processes import ServerProcess

pytestmark = pytest.mark.timeout(300)


def test_a_cell_appears_in_the_panel_and_finishes(page: Page, lab: LabProcess) -> None:
    page.open(lab.write_notebook("live.ipynb", [LOAD, COUNTING.replace("SECONDS", "2")]), 2)
    page.run_cell(0)
    page.run_cell(1)
    page.job("running", "counting").wait_for()
    page.keep("cell-runs")
    page.job("succeeded", "counting").first.wait_for()
    view = page.open_job("succeeded", "counting")
    page.has_text(view.locator(".tr-Log-lines"), "THE END")
    expect(view.get_by_test_id("lines")).to_have_text("11 lines")
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


def has_each_once(output: Locator, lines: list[str]) -> None:
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
            expect(button).to_be_visible(visible=name in names, timeout=WAIT_MS)

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
