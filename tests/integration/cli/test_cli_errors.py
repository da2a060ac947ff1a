"""Whatever goes wrong is one line: what, why, what to do."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from telerun_magic.cli.app import COMMANDS as ALL
from telerun_magic.cli.app import cli

COMMANDS = [("list",), ("watch", "1"), ("submit", "a.sh"), ("run", "a.sh")]


@pytest.fixture(autouse=True)
def _source(telerun) -> None:
    telerun.write("a.sh", "echo\n")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_token_the_server_does_not_know(telerun, command: tuple[str, ...]) -> None:
    telerun.write("token", "0" * 64)
    said = telerun.fails("--token-file", "token", *command)
    assert "token" in said
    assert "0000" not in said


def test_a_server_that_is_not_there(telerun) -> None:
    where = ("--server", "http://127.0.0.1:1", "--token-file", telerun.env["TELERUN_TOKEN_FILE"])
    asking = [telerun.start(*where, *command) for command in COMMANDS]
    for process in asking:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (1, b"")
        first, last = err.decode().splitlines()
        assert "Trying again" in first
        assert last.startswith("telerun: ")
        assert "http://127.0.0.1:1" in last


@pytest.mark.parametrize("command", ["status", "logs", "watch", "cancel", "output"])
def test_a_job_that_is_not_there(telerun, command: str) -> None:
    telerun.fails(command, "999999")


def test_what_is_not_a_job(telerun) -> None:
    assert "'../x' is not a job" in telerun.fails("status", "../x")


def test_a_broken_configuration(telerun, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("url = ")
    telerun.env["TELERUN_CONFIG_DIR"] = str(tmp_path)
    assert str(tmp_path / "config.toml") in telerun.fails("list")
    assert str(tmp_path / "config.toml") in telerun.fails(
        "login", telerun.env["TELERUN_URL"], "--token-file", "-", stdin="x"
    )


@pytest.mark.parametrize(
    "args",
    [("submt",), ("list", "--state", "odd"), ("status",), ("logs", "--stream", "x", "1"), ("lab", "--root", "nowhere")],
)
def test_wrong_usage(telerun, args: tuple[str, ...]) -> None:
    done = telerun(*args)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")
    assert "Traceback" not in done.stderr


def test_a_guess_at_what_was_meant(telerun) -> None:
    assert "'submit'" in telerun("submt").stderr


def test_debug_shows_the_traceback(telerun) -> None:
    done = telerun("--debug", "status", "999999")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_reader_that_has_seen_enough(telerun) -> None:
    telerun.write("many.sh", "seq 200000\n")
    with (
        telerun.start("run", "many.sh") as process,
        subprocess.Popen(["head", "-n", "1"], stdin=process.stdout, stdout=subprocess.PIPE) as head,
    ):
        process.stdout.close()
        assert head.communicate(timeout=60)[0] == b"1\n"
        assert process.stderr.read() == b""
        assert process.wait(60) != 0


def test_help_of_every_command() -> None:
    for command in ALL:
        done = CliRunner().invoke(cli, [command, "--help"], prog_name="telerun")
        assert (done.exit_code, done.exception) == (0, None)
        assert done.output.startswith(f"Usage: telerun {command}")
