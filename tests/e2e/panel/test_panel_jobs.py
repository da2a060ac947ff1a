"""A job in the panel: its log, files and assembly, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from tests_lab import LabProcess
from tests_page import COUNTING, LOAD, WAIT_MS, Page

pytestmark = pytest.mark.timeout(300)


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


def test_a_long_log_is_followed_and_searched(page: Page, lab: LabProcess) -> None:
    cell = "%%telerun py --name long --no-wait\nfor n in range(100_000): print(f'value {n} of many')\n"
    page.open(lab.write_notebook("long.ipynb", [LOAD, cell]), 2)
    page.run_cell(0)
    page.run_cell(1)
    page.job("succeeded", "long").first.locator(".tr-Job-open").click()
    view = page.page.locator(".tr-JobView-inner[data-state=succeeded]")
    expect(view.get_by_test_id("lines")).to_have_text("100000 lines", timeout=WAIT_MS)
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
    expect(host.get_by_text("_Z5twicei:")).to_be_visible(timeout=WAIT_MS)
    view.get_by_label("Labels").uncheck()
    expect(host.get_by_text("_Z5twicei:")).to_have_count(0, timeout=WAIT_MS)
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
    expect(first.page.locator(".jp-Notebook .jp-Cell.jp-mod-active")).to_contain_text("%%telerun cpp")
    first.page.get_by_role("button", name="0 running · 0 queued").click()
    first.page.locator(f".tr-Job[data-job={job}]").wait_for()
    assert not second.page.locator(".Toastify__toast").count()


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
    expect(page.page.get_by_role("tab", name="C++ #")).to_have_count(2, timeout=WAIT_MS)
