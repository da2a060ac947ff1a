"""Kernels that speak to the real server: a notebook executed as `jupyter execute` does, or one driven by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from notebook_kernel import CELL_S, Kernel, Shown
from tests_processes import ExecutorProcess, ServerProcess


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
