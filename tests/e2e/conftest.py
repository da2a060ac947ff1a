"""Kernels that speak to the real server: a notebook executed as `jupyter execute` does, or one driven by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from tests_processes import ExecutorProcess, ServerProcess

CELL_S = 60


@dataclass
class Shown:
    """What one cell shows."""

    outputs: list[Any] = field(default_factory=list)

    def stream(self, name: str = "stdout") -> str:
        return "".join(output["text"] for output in self.outputs if output.get("name") == name)

    def _data(self, mime: str) -> str:
        return "\n".join(output["data"].get(mime, "") for output in self.outputs if "data" in output)

    @property
    def text(self) -> str:
        return self._data("text/plain")

    @property
    def html(self) -> str:
        return self._data("text/html")

    @property
    def facts(self) -> dict[str, Any]:
        """Of the last job shown."""
        found = [
            output["data"].get("application/vnd.telerun.job.v1+json") for output in self.outputs if "data" in output
        ]
        return [facts for facts in found if facts][-1]

    @property
    def error(self) -> str | None:
        """The error as a person sees it."""
        errors = [output for output in self.outputs if output.get("output_type") == "error"]
        return "\n".join(errors[-1]["traceback"]) if errors else None


class Kernel:
    """A kernel driven cell by cell, with every message as it comes."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env=environment, cwd=str(folder))
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(CELL_S)

    def run(self, code: str, on_message: Callable[[str, dict[str, Any]], None] | None = None) -> Shown:
        """`on_message` hears the type and content of each message of the cell at the moment it arrives."""
        shown = Shown()
        displays: dict[str, dict[str, Any]] = {}

        def hook(message: dict[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind in ("stream", "display_data", "execute_result", "error"):
                shown.outputs.append({"output_type": kind, **content})
            display_id = content.get("transient", {}).get("display_id")
            if kind == "display_data":
                displays[display_id] = shown.outputs[-1]
            elif kind == "update_display_data" and display_id in displays:
                displays[display_id]["data"] = content["data"]
            if on_message:
                on_message(kind, content)

        self.client.execute_interactive(code, timeout=CELL_S, output_hook=hook)
        return shown

    def restart(self) -> None:
        self.manager.restart_kernel(now=True)
        self.client.wait_for_ready(CELL_S)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(telerun_server: ServerProcess, telerun_executor: ExecutorProcess, tmp_path: Path) -> Iterator[Kernel]:
    kernel = Kernel(telerun_server.environment(), tmp_path)
    kernel.run("%load_ext telerun_magic")
    yield kernel
    kernel.close()


@pytest.fixture
def execute(
    telerun_server: ServerProcess, telerun_executor: ExecutorProcess, tmp_path: Path
) -> Callable[..., list[Shown]]:
    """Executes cells as one notebook and gives what is saved below each."""

    def run(*cells: str, **environment: str) -> list[Shown]:
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in ("%load_ext telerun_magic", *cells)]
        )
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=CELL_S,
            allow_errors=True,
            resources={"metadata": {"path": str(tmp_path)}},
        )
        client.execute(env=telerun_server.environment(**environment))
        nbformat.validate(notebook)
        return [Shown(cell.outputs) for cell in notebook.cells[1:]]

    return run


def wait_until(ready: Callable[[], bool]) -> None:
    """For what happens in another process; the test's own time limit ends a wait for ever."""
    while not ready():
        time.sleep(0.05)
