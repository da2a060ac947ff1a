"""`telerun up | down | ps`: one background server for each user."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from telerun_magic.local import gpu

WAIT_S = 60


@pytest.fixture
def home(telerun, tmp_path: Path) -> Iterator:
    """Nothing is configured; what was started is ended after the test."""
    for name in ("TELERUN_URL", "TELERUN_TOKEN_FILE"):
        telerun.env.pop(name)
    telerun.env["TELERUN_CONFIG_DIR"] = str(tmp_path / "config")
    telerun.env["TELERUN_STATE_DIR"] = str(tmp_path / "state")
    yield telerun
    telerun("down")


def family(home) -> list[psutil.Process]:
    return [psutil.Process(one["pid"]) for one in json.loads(home("ps", "--json").stdout)["processes"]]


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=WAIT_S)
    return not alive


def test_up_ps_down(home, tmp_path: Path) -> None:
    assert home("ps").returncode == 1
    assert home.ok("down") == "No local server is running.\n"
    first, second = home.ok("up"), home.ok("up")
    assert first.startswith("Started: http://127.0.0.1:")
    assert second.startswith("Already running: ")
    assert (gpu.EMULATED in first) != gpu.has_gpu(), "said once, where there is none"
    assert gpu.EMULATED not in second
    assert [one["role"] for one in json.loads(home.ok("ps", "--json"))["processes"]] == [
        "supervisor",
        "server",
        "executor",
    ]
    assert "executor" in home.ok("ps")
    processes = family(home)
    assert os.getsid(processes[0].pid) == processes[0].pid  # no terminal's end reaches it
    assert stat.S_IMODE((tmp_path / "state" / "local.json").stat().st_mode) == 0o600
    assert home.ok("down").startswith("Stopped ")
    assert gone(processes)
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["local", "local.lock", "local.log"]


def test_the_first_submit_starts_it_and_jobs_outlive_it(home) -> None:
    home.write("a.sh", "echo ran\n")
    done = home("run", "a.sh")
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert done.stderr.startswith("Started your own Telerun server at http://127.0.0.1:")
    assert len(done.stderr.splitlines()) == 1
    assert home("run", "a.sh").stderr == ""
    home.ok("down")
    assert home.ok("logs", "1") == "ran\n"


def test_four_starters_at_once_get_one(home) -> None:
    starters = [home.start("up") for _ in range(4)]
    told = [starter.communicate(timeout=WAIT_S)[0].decode() for starter in starters]
    assert {starter.returncode for starter in starters} == {0}
    assert len({re.search(r"http://\S+", text)[0] for text in told}) == 1
    assert sorted(text.split(":")[0] for text in told) == ["Already running"] * 3 + ["Started"]
    assert len(family(home)) == 3


def test_it_goes_when_idle(home, tmp_path: Path) -> None:
    home.env["TELERUN_IDLE_EXIT_S"] = "2"
    home.ok("up")
    processes = family(home)
    assert gone(processes)
    assert not (tmp_path / "state" / "local.json").exists()
    assert home("ps").returncode == 1


def test_a_dead_supervisor_leaves_nothing_and_is_replaced(home) -> None:
    home.ok("up")
    processes = family(home)
    processes[0].kill()
    assert gone(processes)
    assert home("ps").returncode == 1
    assert home.ok("up").startswith("Started: ")


def test_a_dead_server_takes_the_executor_with_it(home) -> None:
    home.ok("up")
    processes = family(home)
    processes[1].kill()
    assert gone(processes)
    assert home.ok("up").startswith("Started: ")


def test_a_stale_state_file_harms_nobody(home, tmp_path: Path) -> None:
    """The pid in it belongs to somebody else by now."""
    innocent = home.start("--help")  # a zombie until the end of the test: as good as any other process
    (tmp_path / "state").mkdir()
    state = {"pid": os.getpid(), "started_at": 1.0, "url": "http://127.0.0.1:1", "token_file": "x", "data": "x"}
    (tmp_path / "state" / "local.json").write_text(json.dumps(state))
    assert home.ok("down") == "No local server is running.\n"
    (tmp_path / "state" / "local.json").write_text(json.dumps(state))
    assert home.ok("up").startswith("Started: ")
    innocent.communicate()


def test_a_server_that_cannot_start_is_explained(home, tmp_path: Path) -> None:
    (tmp_path / "state" / "local").mkdir(parents=True)
    (tmp_path / "state" / "local" / "server").write_text("a file where the server wants a folder")
    done = home("up")
    assert done.returncode == 1
    assert done.stderr.startswith("telerun: The local server did not start: The server ended (exit code")
    assert home("ps").returncode == 1
