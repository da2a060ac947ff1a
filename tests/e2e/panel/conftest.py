"""The panel in a real JupyterLab, with a real server and executor, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests_lab import LabProcess
from tests_page import CHROMIUM, CHROMIUM_OPTIONS, Page
from tests_processes import ExecutorProcess, ServerProcess


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("panel-server")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def executor(queue: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExecutorProcess]:
    process = ExecutorProcess(queue, tmp_path_factory.mktemp("panel-executor"), "--slots", "2", "--compile-slots", "2")
    yield process.start()
    process.stop()


@pytest.fixture(scope="module")
def lab(
    queue: ServerProcess, executor: ExecutorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LabProcess]:
    process = LabProcess(tmp_path_factory.mktemp("lab"), base_url="/user/ada/").start(queue.environment())
    yield process
    process.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs a Chromium")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = os.environ.get("SCREENSHOTS")
    return Path(kept) if kept else tmp_path_factory.mktemp("pictures")


@pytest.fixture
def new_page(browser: Browser, lab: LabProcess, queue: ServerProcess, pictures: Path) -> Iterator[Callable[[], Page]]:
    """Pages that, in the end, must have had no error and no token of the queue."""
    pages: list[Page] = []

    def open_page() -> Page:
        pages.append(Page(browser.new_page(viewport={"width": 1280, "height": 800}), lab, pictures))
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
