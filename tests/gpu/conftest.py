"""Tests that need an NVIDIA GPU; elsewhere they are skipped and say so."""

from __future__ import annotations

from functools import cache

import pynvml
import pytest


@cache
def no_gpu() -> str | None:
    """Why there is no GPU here, or None."""
    try:
        pynvml.nvmlInit()
        return None if pynvml.nvmlDeviceGetCount() else "the NVIDIA driver reports no GPU"
    except pynvml.NVMLError as error:
        return f"no NVIDIA driver on this machine ({error})"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(config.rootpath / "tests" / "gpu"):
            item.add_marker("gpu")
            if reason := no_gpu():
                item.add_marker(pytest.mark.skip(reason=f"needs a GPU: {reason}"))
