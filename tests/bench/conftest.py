"""Benchmarks print figures and ratios; they assert that the work was done, never how fast."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

import pytest
from rich.console import Console

pytestmark = pytest.mark.bench


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """They run where they are asked for by `-m bench` alone: they want an idle machine, and packages of their own."""
    return None if "bench" in (config.option.markexpr or "") else True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(config.rootpath / "tests" / "bench"):
            item.add_marker("bench")
            item.add_marker(pytest.mark.timeout(900))


class Report:
    """Prints one line a figure."""

    def __init__(self) -> None:
        self._console = Console(width=150, highlight=False)

    def line(self, what: str, value: str) -> None:
        self._console.print(f"  {what:<72} {value}")

    def milliseconds(self, what: str, seconds: Iterable[float]) -> float:
        """Median, 99th percentile and number of the samples; returns the median in milliseconds."""
        ordered = sorted(1e3 * value for value in seconds)
        median = statistics.median(ordered)
        high = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        self.line(what, f"p50 {median:8.2f} ms   p99 {high:8.2f} ms   n={len(ordered)}")
        return median


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    print(f"\n{request.node.name}")
    return Report()
