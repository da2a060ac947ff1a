"""A browser's page on a JupyterLab of the test's."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path

from playwright.sync_api import Error, Locator, Request, Response, expect
from playwright.sync_api import Page as BrowserPage
from tests_lab import LabProcess

CHROMIUM = os.environ.get("TELERUN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
CHROMIUM_OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
WAIT_MS = 40_000
LOAD = "%load_ext telerun_magic"
COUNTING = """%%telerun cpp --name counting
#include <cstdio>
#include <unistd.h>
int main() {
  for (int i = 0; i < SECONDS * 5; i++) { std::printf("line %d\\n", i); std::fflush(stdout); usleep(200000); }
  std::puts("THE END");
}
"""
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
OURS = (".tr-Panel", ".tr-JobView-inner", ".tr-Executors", ".tr-Output-bar", ".tr-cm-magic", ".tr-Status")
OF_JUPYTER = ("/static/", "/extensions/", "/schemas/", "/themes/")  # what it is shipped with


class Page:
    """A page, everything that it received, and the pictures that are kept of it in `pictures`."""

    def __init__(self, page: BrowserPage, lab: LabProcess, pictures: Path) -> None:
        self.page = page
        self.lab = lab
        self.pictures = pictures
        self.errors: list[str] = []
        self.received: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", self._fail)
        page.on("response", self._record_headers)
        page.on("requestfinished", self._record)
        page.on("websocket", lambda socket: socket.on("framereceived", lambda data: self.received.append(str(data))))

    def _fail(self, error: Error) -> None:
        if "notebook_core" not in (error.stack or "") or "telerun" in (
            error.stack or ""
        ):  # Notebook has one of its own
            self.errors.append(f"{error}\n{error.stack}")

    def _record_headers(self, response: Response) -> None:
        self.received.append(json.dumps(response.headers))

    def _record(self, request: Request) -> None:
        if not any(part in request.url for part in OF_JUPYTER):
            with contextlib.suppress(Error):  # the page went away, or it was no text
                response = request.response()
                self.received.append(response.body().decode("utf-8", "replace") if response else "")

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

    def show_theme(self, theme: str) -> None:
        self.command("apputils:change-theme", theme=theme)
        self.page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")

    def cell(self, index: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index)

    def run_cell(self, index: int) -> None:
        self.cell(index).locator(".cm-content").click()
        self.command("notebook:run-cell")

    def output(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-OutputArea")

    def job(self, state: str, name: str = "") -> Locator:
        return self.page.locator(f".tr-Job[data-state={state}]", has_text=name)

    def open_job(self, state: str, name: str) -> Locator:
        """The view of the newest job like that."""
        job = self.job(state, name).first.get_attribute("data-job")  # by now: newer ones may come before it
        self.page.locator(f".tr-Job[data-job={job}] .tr-Job-open").click()
        return self.page.locator(f".tr-JobView-inner[data-job={job}]")

    def save(self) -> None:
        """Until it is on the disk: a program that goes on printing makes the notebook unsaved again at once."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save').then(() => null)")

    def has_text(self, locator: Locator, text: str) -> None:
        expect(locator).to_contain_text(text, timeout=WAIT_MS)

    def keep(self, name: str, of: Locator | None = None) -> None:
        """A picture for a person to look at."""
        (of or self.page).screenshot(path=self.pictures / f"{name}.png")

    def reads_well(self) -> None:
        """What is ours is nowhere wider than its place, and its texts have the contrast of WCAG's AA."""
        too_wide = """() => [...document.querySelectorAll('.tr-Filter, .tr-Jobs, .tr-Header, .tr-Facts, .tr-Output')]
            .filter(node => node.clientWidth && node.scrollWidth > node.clientWidth + 1).map(node => node.className)"""
        assert self.page.evaluate(too_wide) == []
        assert self.page.evaluate(CONTRAST, list(OURS)) == []
