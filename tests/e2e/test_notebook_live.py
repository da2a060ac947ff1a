"""A cell while it runs: output as it is printed, interrupts, jobs in the background, and a kernel that is lost."""

from __future__ import annotations

import re
import socket
import time
from itertools import pairwise
from typing import Any

from notebook_kernel import Kernel
from tests_processes import ExecutorProcess, ServerProcess

COUNTER = """\
%%telerun py --var job
import time
for n in range({count}):
    print('tick %d\\n' % n, end='', flush=True)
    time.sleep({pause})
"""


def state_of(content: dict[str, Any]) -> str | None:
    return content.get("data", {}).get("application/vnd.telerun.job.v1+json", {}).get("state")


def test_output_is_seen_while_the_program_runs(kernel) -> None:
    seen: list[tuple[float, str]] = []

    def on_message(kind: str, content: dict[str, Any]) -> None:
        if kind == "stream":
            seen.append((time.monotonic(), content["text"]))
        elif state := state_of(content):
            seen.append((time.monotonic(), state))

    shown = kernel.run(COUNTER.format(count=10, pause=0.1), on_message)
    assert shown.stream() == "".join(f"tick {n}\n" for n in range(10))
    ticks = [at for at, word in seen if "tick" in word]
    (ended,) = (at for at, word in seen if word == "succeeded")
    assert len(ticks) >= 3, "not in one lump"
    assert ticks[0] < ended
    print(f"printed every 100 ms, seen every {[round(1000 * (b - a)) for a, b in pairwise(ticks)]} ms")


def test_interrupt_cancels_the_job(kernel) -> None:
    def on_message(kind: str, content: dict[str, Any]) -> None:
        if kind == "stream" and "tick 2\n" in content["text"]:
            kernel.manager.interrupt_kernel()

    shown = kernel.run(COUNTER.format(count=1000, pause=0.05), on_message)
    assert "tick 2\n" in shown.stream()
    assert "tick 900" not in shown.stream()
    assert shown.facts["state"] == "cancelled"
    assert re.fullmatch(r"Telerun: Job \d+ was cancelled\.", shown.error)
    assert kernel.run("print(job.status().state)").stream() == "cancelled\n"


def test_interrupt_while_the_source_compiles(kernel) -> None:
    def on_message(kind: str, content: dict[str, Any]) -> None:
        if state_of(content) == "queued":
            kernel.manager.interrupt_kernel()

    cell = '%%telerun cpp\n#include <regex>\nint main() { return !std::regex_match("a", std::regex("a")); }'
    shown = kernel.run(cell, on_message)
    assert shown.facts["state"] in ("cancelled", "succeeded")
    assert kernel.run("1 + 1").text == "2"


def test_background_job_keeps_its_display_up_to_date(kernel) -> None:
    shown = kernel.run("%%telerun sh --bg --var job\nfor n in 1 2 3; do echo line $n; sleep 0.2; done")
    assert shown.facts["state"] in ("queued", "claimed", "running")
    assert shown.error is None
    updates: list[dict[str, Any]] = []

    def on_message(kind: str, content: dict[str, Any]) -> None:
        if kind == "update_display_data":
            updates.append(content)

    waited = kernel.run("%telerun_wait", on_message)
    assert re.search(r"Job \d+: succeeded\.", waited.stream())
    assert state_of(updates[-1]) == "succeeded"
    assert "line 1\nline 2\nline 3" in updates[-1]["data"]["text/plain"]
    assert kernel.run("%telerun_wait").stream() == "No job runs in the background.\n"


def test_background_job_is_complete_in_a_saved_notebook(execute) -> None:
    queued, failed, *_ = execute(
        "%%telerun sh --bg --var one\necho in the background",
        "%%telerun sh --bg --var two\nexit 7",
        "one.wait(); two.wait();",
        "1",
    )
    assert queued.facts["state"] == "succeeded"
    assert "in the background" in queued.text
    assert failed.facts["state"] == "failed"
    assert "exit code 7" in failed.text


def test_background_job_tells_where_its_files_are_and_why_they_are_not(execute, tmp_path) -> None:
    (tmp_path / "taken").write_text("a file")
    saved, unsaved, empty, *_ = execute(
        "%%telerun sh --bg --var one --out kept\necho content > out/f.txt",
        "%%telerun sh --bg --var two --out taken\necho content > out/f.txt",
        "%%telerun sh --bg --var three --out kept\ntrue",
        "one.wait(); two.wait(); three.wait();",
        "1",
    )
    assert "Files saved in kept" in saved.text
    assert (tmp_path / "kept" / "f.txt").read_text() == "content\n"
    assert "taken/f.txt" in unsaved.text
    assert "cannot be written" in unsaved.text
    assert "Files saved" not in unsaved.text + empty.text


def test_attach_after_the_kernel_is_lost(kernel) -> None:
    started = kernel.run("%%telerun sh --bg\nfor n in 1 2 3 4 5 6; do echo part $n; sleep 0.3; done; > out/f.txt")
    number = started.facts["number"]
    kernel.restart()
    kernel.run("%load_ext telerun_magic")
    shown = kernel.run(f"%telerun_attach {number}")
    assert shown.stream() == "".join(f"part {n}\n" for n in range(1, 7))
    assert shown.facts["state"] == "succeeded"
    assert "f.txt" in shown.text
    again = kernel.run("%telerun_attach last")
    assert again.stream() == shown.stream()


def test_attach_leaves_the_display_of_the_cell_that_started_the_job(kernel) -> None:
    started = kernel.run("%%telerun sh --bg\necho from the background")
    attached = kernel.run(f"%telerun_attach {started.facts['number']}")
    assert attached.display_ids
    assert not attached.display_ids & started.display_ids


def test_interrupt_of_a_watcher_leaves_the_job_alone(kernel) -> None:
    kernel.run(COUNTER.format(count=1000, pause=0.05).replace("--var", "--bg --var"))
    for magic in ("%telerun_attach", "%telerun_logs"):
        shown = kernel.run(
            magic,
            lambda kind, content: kernel.manager.interrupt_kernel() if "tick" in content.get("text", "") else None,
        )
        assert shown.error.startswith("Telerun: No longer watching job")
    assert kernel.run("print(job.status().state); job.cancel()").stream() == "running\n"


def test_attach_shows_compile_errors_on_the_lines_of_the_cell(kernel) -> None:
    failed = kernel.run("%%telerun cpp --name broken\nint main() {\n    oops;\n}")
    kernel.restart()
    kernel.run("import os; os.environ['JPY_SESSION_NAME'] = 'x.ipynb'\n%load_ext telerun_magic")
    shown = kernel.run(f"%telerun_attach {failed.facts['number']}")
    assert re.search(r"    \d \|     oops;", shown.text)
    assert "failed" in shown.error


def test_line_magics(kernel) -> None:
    kernel.run("%%telerun sh --name finished --var job\necho done")
    number = kernel.run("print(job.number)").stream().strip()
    assert re.search(rf"^ *{number}  finished +succeeded", kernel.run("%telerun_status").text, re.MULTILINE)
    assert "exit code 0" in kernel.run(f"%telerun_status {number}").text
    assert kernel.run("%telerun_logs job").stream() == "done\n"
    assert "has ended before" in kernel.run(f"%telerun_cancel {number}").stream()
    kernel.run("%%telerun sh --no-wait\nsleep 50")
    assert re.fullmatch(r"Job \d+: cancelled\.\n", kernel.run("%telerun_cancel").stream())
    for _ in range(2):
        kernel.run("%%telerun sh --no-wait\nsleep 50")
    assert kernel.run("%telerun_cancel --all").stream().count(": cancelled.\n") >= 2
    assert kernel.run("%telerun_cancel --all").stream() == "No job of yours is queued or running.\n"
    assert "name = 'other'" in kernel.run("%telerun_config --name other").stream()
    assert kernel.run("%%telerun sh\ntrue").facts["name"] == "other"
    again = kernel.run("%telerun_config --reset --name again").stream()
    assert "other" not in again
    assert "name = 'again'" in again
    assert "again" not in kernel.run("%telerun_config --reset").stream()


MISTAKES = {
    "%%telerun cu --asmm\nint main() {}": "There is no option --asmm. Did you mean --asm?",
    "%%telerun cda\nint main() {}": "'cda' is not a language of Telerun. Did you mean cuda?",
    "%%telerun sh --in nothing.txt\ntrue": "There is no file and no variable 'nothing.txt'.",
    "%%telerun sh --time soon\ntrue": "'soon' is not a duration. Write it like 30s, 2m or 1h30m.",
    "%%telerun sh --memory 100000TB\ntrue": "memory",
    "%%telerun sh 'open\ntrue": "has a quote without its partner",
    "%%telerun cpp\n// TL {nonsense\nint main() {}": "The TL directive in line 1 is not JSON",
    "%%telerun cpp\n   \n": "There is nothing to run: the source is empty.",
    "%telerun_attach 999999999": "There is no job 999999999 of yours here.",
    "%telerun_cancel ../../x": "There is no job ../../x",
    "%telerun_status a b": "'b' is one word too many.",
    "%telerun_status --al": "There is no option --al here.",
    "%telerun_cancel --all x": "There is no option --all here.",
    "%telerun_login http://[": "is not a server address",
    "%telerun_config --time soon": "'soon' is not a duration.",
    "%telerun_config cda": "Did you mean cuda?",
    "import telerun_magic; telerun_magic.submit(5)": "The source cannot be of type int.",
    "telerun_magic.submit('true', 'sh', gpu=1)": "There is no word 'gpu' here. Did you mean gpus?",
    "telerun_magic.map('true', [1], 'sh', args=[2])": "There is no word 'args' here.",
    "telerun_magic.map('true', 5, 'sh')": "The rows of arguments cannot be 5.",
    "telerun_magic.jobs(nam='x')": "There is no word 'nam' here. Did you mean name?",
    "telerun_magic.jobs('all')": "limit cannot be 'all'.",
    "%telerun_login ftp://x": "is not a server address",
    "%telerun_config --stdd x": "Did you mean --std?",
}


def test_mistakes_are_told_in_one_line(kernel) -> None:
    for cell, expected in MISTAKES.items():
        error = kernel.run(cell).error
        assert expected in error
        assert error.startswith("Telerun: ")
        assert "\n" not in error


def test_interrupt_before_the_job_is_queued(kernel) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections and says nothing
        kernel.run(f"import os; os.environ['TELERUN_URL'] = 'http://127.0.0.1:{silent.getsockname()[1]}'")
        shown = kernel.run(
            "%%telerun\n#!/bin/sh\ntrue",
            lambda kind, content: kernel.manager.interrupt_kernel() if "Taken as" in content.get("text", "") else None,
        )
    assert shown.error == "Telerun: Interrupted; nothing was queued."


def test_a_server_that_dies_and_comes_back_costs_a_cell_nothing(tmp_path) -> None:
    server = ServerProcess(tmp_path / "server").start()
    executor = ExecutorProcess(server, tmp_path / "executor", "--slots", "1", "--compile-slots", "1").start()
    kernel = Kernel(server.environment(), tmp_path)
    killed: list[str] = []
    told: list[str] = []

    def on_message(kind: str, content: dict[str, Any]) -> None:
        if "tick 3" in content.get("text", "") and not killed:
            killed.append(server.url)
            server.kill()
        text = content.get("data", {}).get("text/plain", "")
        if "does not answer" in text and not told:
            told.append(text)
            server.start(keep_tokens=True)

    try:
        kernel.run("%load_ext telerun_magic")
        shown = kernel.run(COUNTER.format(count=30, pause=0.1), on_message)
        assert told, "the display says why nothing new is heard"
        assert shown.stream() == "".join(f"tick {n}\n" for n in range(30))
        assert shown.facts["state"] == "succeeded"
        assert "does not answer" not in shown.text
        server.kill()
        waited = kernel.run(
            "%%telerun sh\necho here",
            lambda kind, content: (
                server.start(keep_tokens=True) if "does not answer" in content.get("text", "") else None
            ),
        )
        assert "Trying again" in waited.stream()
        assert waited.stream().endswith("here\n")
        assert waited.facts["state"] == "succeeded"
    finally:
        kernel.close()
        executor.stop()
        server.stop()


def test_log_in(telerun_server, telerun_executor, tmp_path) -> None:
    kernel = Kernel(
        {**telerun_server.environment(TELERUN_CONFIG_DIR=str(tmp_path / "config")), "TELERUN_URL": ""}, tmp_path
    )
    try:
        kernel.run("%load_ext telerun_magic")
        kernel.run("import os; del os.environ['TELERUN_TOKEN_FILE']")
        token = telerun_server.user_token_file.read_text().strip()
        assert "does not know this token" in kernel.run(f"%telerun_login {telerun_server.url}", answer="wrong").error
        shown = kernel.run(f"%telerun_login {telerun_server.url}", answer=f" {token} ")
        assert shown.stream().startswith(f"Logged in to {telerun_server.url} as ")
        assert token not in str(shown.outputs)
        assert kernel.run("%%telerun sh\necho in").stream() == "in\n"
        assert (tmp_path / "config" / "credentials.toml").stat().st_mode & 0o777 == 0o600
        assert "where nobody can be asked" in kernel.run(f"%telerun_login {telerun_server.url}").error
    finally:
        kernel.close()


def test_help_and_completion(kernel) -> None:
    assert (
        "--compile-only" in kernel.run("print(get_ipython().magics_manager.magics['cell']['telerun'].__doc__)").stream()
    )
    text = "%%telerun cu --comp"
    matches = kernel.client.complete(text, len(text), reply=True, timeout=60)["content"]["matches"]
    assert matches == ["--compile-only", "--compiler"]
    text = "%%telerun cu\n__sync"
    assert kernel.client.complete(text, len(text), reply=True, timeout=60)["content"]["matches"] == [
        "__syncthreads",
        "__syncwarp",
    ]


def test_unreachable_server_and_bad_token(kernel, tmp_path) -> None:
    kernel.run("import os; url = os.environ['TELERUN_URL']; os.environ['TELERUN_URL'] = 'http://127.0.0.1:9'")
    shown = kernel.run("%%telerun sh\ntrue")
    assert shown.error.startswith("Telerun: The Telerun server at http://127.0.0.1:9 does not answer")
    assert "\n" not in shown.error
    (tmp_path / "wrong").write_text("not-a-token")
    kernel.run(f"os.environ['TELERUN_TOKEN_FILE'] = {str(tmp_path / 'wrong')!r}; os.environ['TELERUN_URL'] = url")
    refused = kernel.run("%%telerun sh\ntrue").error
    assert "refused the token" in refused
    assert "%telerun_login" in refused
    assert "not-a-token" not in refused


def test_await_can_be_interrupted(kernel) -> None:
    shown = kernel.run(
        "import telerun_magic\njob = telerun_magic.submit('sleep 50', 'sh')\nprint('waiting', flush=True)\nawait job",
        lambda kind, content: kernel.manager.interrupt_kernel() if content.get("text") == "waiting\n" else None,
    )
    assert shown.error is not None
    assert kernel.run("job.cancel(); print(job.wait(30).state)").stream() == "cancelled\n"
