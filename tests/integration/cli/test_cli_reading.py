"""Every reading command, as a table and as JSON."""

import json
import re
import socket
import sys

import pexpect
import pytest


@pytest.fixture
def number(telerun) -> str:
    telerun.write("a.sh", "printf '\\033[2J[bold]x\\n'; exit 4\n")
    telerun("submit", "--no-store-output", "--name", "odd [red]name\x1b[2J", "a.sh")
    return str(json.loads(telerun.ok("list", "--json"))["jobs"][0]["number"])


def test_list(telerun, number: str) -> None:
    text = telerun.ok("list", "-n", "5")
    row = next(line for line in text.splitlines() if line.startswith(number))
    assert "failed: nonzero exit" in row
    assert "odd [red]name" in row
    assert "\x1b" not in text
    found = json.loads(telerun.ok("list", "--json", "--state", "failed", "-n", "1"))["jobs"]
    assert [job["state"] for job in found] == ["failed"]
    assert telerun.ok("list", "--tag", "no-such-tag") == "No such jobs.\n"


def test_status(telerun, number: str) -> None:
    text = telerun.ok("status", number)
    assert re.search(r"exit code\s+4", text)
    assert "\x1b" not in text
    job = json.loads(telerun.ok("status", "--json", number))
    assert (job["state"], job["result"]["exit_code"]) == ("failed", 4)
    assert job == json.loads(telerun.ok("status", "--json", job["id"]))


def test_cancel_comes_too_late(telerun, number: str) -> None:
    assert "had ended already: failed" in telerun.ok("cancel", number)


def test_limits_executors_and_version(telerun) -> None:
    limits = telerun.ok("limits")
    assert re.search(r"wall time +60 s +1 h 00 min +--time\n", limits)
    assert re.search(r"results are kept +7 days\n", limits)
    assert json.loads(telerun.ok("limits", "--json"))["defaults"]["wall_time_s"] > 0
    telerun.ok("run", "--", "true")  # the executor has registered by then
    shown = telerun.ok("executors")
    assert "online" in shown
    assert socket.gethostname() in shown
    (executor,) = json.loads(telerun.ok("executors", "--json"))["executors"]
    assert executor["online"] is True
    assert re.search(rf"isolation\n.*\b{executor['info']['isolation']}\n", shown, re.DOTALL)
    version = json.loads(telerun.ok("version", "--json"))
    assert version["url"] == telerun.env["TELERUN_URL"]
    assert version["server"]
    assert "server" in telerun.ok("version")
    assert "server" not in telerun.ok("version", "--offline")


def test_output_of_a_job_that_has_not_ended(waiting) -> None:
    waiting.write("a.sh", "echo\n")
    waiting.ok("submit", "--bg", "a.sh")
    number = str(json.loads(waiting.ok("list", "--json"))["jobs"][0]["number"])
    assert "has not ended" in waiting.fails("output", number)
    assert "queued" in waiting.ok("status", number)
    assert "No executor" in waiting.ok("executors")


def test_cancel(waiting) -> None:
    waiting.write("a.sh", "echo\n")
    waiting.ok("submit", "--bg", "a.sh")
    waiting.ok("submit", "--bg", "a.sh")
    newest, before = [str(job["number"]) for job in json.loads(waiting.ok("list", "--json", "-n", "2"))["jobs"]]
    assert newest in waiting.ok("cancel", "--latest")
    assert "is cancelled" in waiting.ok("cancel", before)
    assert "is cancelled" in waiting.ok("cancel", before)  # once more does no harm
    assert waiting("cancel").returncode == 2
    assert waiting("cancel", "--latest", "1").returncode == 2


def test_completion(telerun, number: str) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_TELERUN_COMPLETE" in telerun.ok("completion", shell)
    telerun.env.update(_TELERUN_COMPLETE="bash_complete", COMP_WORDS="telerun status ", COMP_CWORD="2")
    assert f"plain,{number}" in telerun().stdout.splitlines()
    telerun.env.update(COMP_WORDS="telerun su", COMP_CWORD="1")
    assert telerun().stdout.splitlines() == ["plain,submit"]
    telerun.env.update(COMP_WORDS="telerun status ", COMP_CWORD="2", TELERUN_URL="http://127.0.0.1:1")
    done = telerun()
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_logs_on_a_terminal_and_into_a_pipe(telerun) -> None:
    telerun.write("a.sh", r"printf '\033[31mred\033[0m \033]0;owned\007\033[2Jend\n'")
    telerun("submit", "--no-store-output", "a.sh")
    number = str(json.loads(telerun.ok("list", "--json", "-n", "1"))["jobs"][0]["number"])
    assert telerun.ok("logs", number) == "\x1b[31mred\x1b[0m \x1b]0;owned\x07\x1b[2Jend\n"
    shown = {}
    for option in ((), ("--raw",)):
        argv = ["-m", "telerun_magic.cli", "logs", *option, number]
        terminal = pexpect.spawn(sys.executable, argv, env=telerun.env, cwd=telerun.cwd, timeout=60)
        shown[option] = terminal.read()
        terminal.close()
    assert shown[()] == b"\x1b[31mred\x1b[0m end\r\n\x1b[0m"
    assert b"\x1b]0;owned\x07\x1b[2J" in shown["--raw",]
