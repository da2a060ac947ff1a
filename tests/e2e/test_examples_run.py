"""Every example notebook, executed cell by cell: a real kernel, the real server and a real executor."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from tests_processes import ExecutorProcess, ServerProcess

NOTEBOOKS = Path(__file__).parents[2] / "examples" / "notebooks"
CELL_S = 100
pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True)
class Cell:
    """What one executed cell shows."""

    outputs: list[Any]

    @property
    def printed(self) -> str:
        return "".join(output.text for output in self.outputs if output.output_type == "stream")

    @property
    def displayed(self) -> list[dict[str, Any]]:
        return [output.data for output in self.outputs if "data" in output]

    @property
    def text(self) -> str:
        return "\n".join(data.get("text/markdown") or data["text/plain"] for data in self.displayed)

    @property
    def html(self) -> str:
        return "\n".join(data.get("text/html", "") for data in self.displayed)

    @property
    def error(self) -> str | None:
        return next((output.ename for output in self.outputs if output.output_type == "error"), None)

    @property
    def rows(self) -> list[list[str]]:
        """The body of a table in Markdown."""
        lines = [line for line in self.text.splitlines() if line.startswith("|")]
        return [[word.strip() for word in line.strip("|").split("|")] for line in lines[2:]]


Execute = Callable[[str], Awaitable[dict[str, Cell]]]


@pytest.fixture
def execute(telerun_server: ServerProcess, telerun_executor: ExecutorProcess, tmp_path: Path) -> Execute:
    async def run(name: str) -> dict[str, Cell]:
        folder = tmp_path / "notebooks"
        shutil.copytree(NOTEBOOKS, folder)
        notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
        client = NotebookClient(
            notebook, kernel_name="python3", timeout=CELL_S, resources={"metadata": {"path": str(folder)}}
        )
        await client.async_execute(env=telerun_server.environment())
        return {cell.id: Cell(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"}

    return run


@pytest.fixture
async def has_gpu(telerun_server: ServerProcess, telerun_executor: ExecutorProcess) -> AsyncIterator[bool]:
    async with telerun_server.client() as client:
        executors = (await client.executors()).executors
        yield any(device.kind == "nvidia" for executor in executors for device in executor.info.devices)


def ran_on_a_gpu_or_its_emulation(cell: Cell, has_gpu: bool, expected: str) -> None:
    assert cell.error is None
    assert re.search(expected, cell.printed)
    assert ("emulated on the CPU: timings mean nothing" in cell.text) != has_gpu


async def test_quickstart(execute: Execute, has_gpu: bool) -> None:
    cells = await execute("01-quickstart")
    assert re.search(r"100000000\s+5761455\s+5428681", cells["primes"].printed)
    assert "405 words, 91 different ones" in cells["words"].printed
    assert re.search(r"alice\s+6 ######", cells["words"].printed)

    wrong = cells["compile-error"]
    assert wrong.error == "JobFailed"
    assert "compile_error" in wrong.text
    assert re.search(r"cell line 7:\d+: error: .*accumulate", wrong.text), "the cell's own line number"

    crashed = cells["crash"]
    assert crashed.error == "JobFailed"
    assert "4 squared is 16" in crashed.printed
    assert "SIGABRT" in crashed.text

    ran_on_a_gpu_or_its_emulation(cells["pi"], has_gpu, r"pi = 3\.14159265358979")
    assert "integrate" in cells["pi"].html, "assembly is shown with a device and without"
    for reason in ("compile_error", "signal"):
        assert reason in cells["status"].html


async def test_saxpy_to_sass(execute: Execute, has_gpu: bool) -> None:
    cells = await execute("02-saxpy-to-sass")
    for arch in ("sm_80", "sm_90"):
        assert arch in cells["saxpy"].html
    assert "ld.global.nc.f32" in cells["saxpy"].html
    assert "FFMA" in cells["saxpy"].html
    for kernel in ("saxpy_float4", "saxpy_unrolled", "saxpy_batched"):
        assert kernel in cells["float4"].text
    assert "LDG.E.128" in cells["float4"].html

    measured = {(row[0], row[1]): [int(re.sub(r"\D", "", number)) for number in row[2:]] for row in cells["flags"].rows}
    assert len(measured) == 8
    instructions, registers, spilled = 0, 1, 3
    exact, fast = (measured[flags, "oscillation"] for flags in ("default", "-use_fast_math"))
    assert fast[instructions] < exact[instructions] / 2
    roots, squeezed = (measured[flags, "roots"] for flags in ("default", "at most 32 registers"))
    assert roots[spilled] == 0 < squeezed[spilled]
    assert squeezed[registers] <= 32 < roots[registers]

    assert "mulss" in cells["host-o2"].html
    assert "ymm" not in cells["host-o2"].html
    assert "vfmadd" in cells["host-o3"].html
    assert "ymm" in cells["host-o3"].html
    ran_on_a_gpu_or_its_emulation(cells["bench"], has_gpu, r"saxpy_float4\s+\d+")


async def test_files_and_images(execute: Execute) -> None:
    cells = await execute("03-files-and-images")
    inside = re.search(r"(\d+) of 172800 pixels never escape", cells["julia"].printed)
    assert inside
    assert 1000 < int(inside[1]) < 2000
    for cell in (cells["julia"], cells["spheres"]):
        assert "data:image/png;base64," in cell.html
    assert "rays per pixel" in cells["spheres"].text, "the table is shown"
    assert re.search(r"spheres\.png\s+image/png\s+675,493 bytes", cells["files"].printed)
    assert re.search(r"threads  1: +\d+\.\d\d million rays", cells["timings"].printed)
    assert f"480 x 360 pixels, {inside[1]} of them black" in cells["julia-numpy"].printed
    assert "675493 spheres.png" in cells["sh"].printed
    assert ".PNG" in cells["sh"].printed


async def test_python_api(execute: Execute) -> None:
    cells = await execute("04-python-api")
    assert "'tolerance': 1e-06" in cells["one"].text
    orbits = [(float(row[1]), int(row[2])) for row in cells["sweep"].rows]
    assert len(orbits) == 10
    assert orbits[-1][0] < 1e-8 < 1e-3 < orbits[0][0]
    steps = [steps for _, steps in orbits]
    assert steps == sorted(steps)
    assert [row[0] for row in cells["tiles"].rows] == ["1", "4", "16", "64", "2048"]

    wrong = cells["errors"].printed
    assert "reason: compile_error" in wrong
    assert re.search(r"line \d+: expected", wrong)
    assert "reason: nonzero_exit" in wrong
    assert "it said: the tolerance must be between" in wrong

    assert "33000 steps, energy changed by" in cells["project"].text
    assert "paths.csv: 830 rows, 4 columns" in cells["project"].text
    assert "4 planets, 166 years" in cells["python"].printed
    distances = {row[0]: (float(row[1]), float(row[2])) for row in cells["python"].rows}
    assert list(distances) == ["Jupiter", "Saturn", "Uranus", "Neptune"]
    assert 5.1 < distances["Jupiter"][0] < distances["Jupiter"][1] < 5.3
    assert cells["await"].text == "[285, 328350, 332833500]"


async def test_background_and_cancel(execute: Execute) -> None:
    cells = await execute("05-background-and-cancel")
    assert re.search(r"plate: sweep +3000: .*\nplate: sweep +6000: .*\nplate: sweep +9000: ", cells["logs"].printed)
    assert "sweep  12000" not in cells["logs"].printed
    assert "2919 takes  216 steps" in cells["watch"].printed
    assert re.match(r"cancelled after \d\d+ records", cells["cancel"].printed)
    assert re.search(r"sweep +30000: centre 20\.\d+ degrees", cells["attach"].printed)

    ended = cells["time-limit"]
    assert ended.error == "JobFailed"
    assert "77031 takes  350 steps" in ended.printed
    assert "time_limit" in ended.text
