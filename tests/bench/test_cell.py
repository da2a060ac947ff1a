"""What the whole path costs: a cell in a real kernel, beside the same compile and run done by hand."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager
from tests_processes import ExecutorProcess, ServerProcess

ROUNDS = 15
C_PROGRAM = """\
#include <stdio.h>
int main(void) {{
    puts("answer {number}");
}}
"""
SOURCES = {"cpp": C_PROGRAM, "c": C_PROGRAM, "sh": "echo answer {number}\n"}


@pytest.mark.parametrize("language", SOURCES)
def test_cell_overhead(tmp_path: Path, report, language: str) -> None:
    server = ServerProcess(tmp_path / "server").start()
    executor = ExecutorProcess(server, tmp_path / "executor", "--slots", "1", "--compile-slots", "1").start()
    kernel = KernelManager(kernel_name="python3")
    kernel.start_kernel(env=server.environment())
    client = kernel.client()
    try:
        client.start_channels()
        client.wait_for_ready(60)
        cells, local, extra = [], [], []

        def run(code: str, expect: str) -> float:
            printed: list[str] = []

            def hook(message: dict) -> None:
                if message["msg_type"] == "stream":
                    printed.append(message["content"]["text"])

            start = time.perf_counter()
            reply = client.execute_interactive(code, timeout=60, output_hook=hook)
            seconds = time.perf_counter() - start
            assert reply["content"]["status"] == "ok", reply["content"]
            assert expect in "".join(printed)
            return seconds

        run("%load_ext telerun_magic", "")
        for number in range(ROUNDS + 2):
            source = SOURCES[language].format(number=number)
            path = tmp_path / f"cell.{language}"
            path.write_text(source)
            cell = run(f"%%telerun {language}\n{source}", f"answer {number}")
            start = time.perf_counter()
            if language != "sh":
                compiler = "g++" if language == "cpp" else "gcc"
                subprocess.run([compiler, "-O2", str(path), "-o", str(tmp_path / "program")], check=True)
            argv = ["bash", str(path)] if language == "sh" else [str(tmp_path / "program")]
            assert subprocess.run(argv, check=True, capture_output=True).stdout == b"answer %d\n" % number
            by_hand = time.perf_counter() - start
            if number >= 2:  # the first ones warm the page cache
                cells.append(cell)
                local.append(by_hand)
                extra.append(cell - by_hand)
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
        executor.stop()
        server.stop()
    whole = report.milliseconds(f"{language}: cell, from execute request to reply", cells)
    mine = report.milliseconds(f"{language}: the same compile and run by hand", local)
    report.milliseconds(f"{language}: overhead, pair by pair (goal: median under 60 ms)", extra)
    report.line(f"{language}: ratio of the medians", f"{whole / mine:8.2f}")
