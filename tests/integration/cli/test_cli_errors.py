"""Whatever goes wrong is one line: what, why, what to do."""

import subprocess
from pathlib import Path

import pytest

from telerun_magic.cli.app import COMMANDS as ALL

COMMANDS = [
    ("list",),
    ("status", "1"),
    ("logs", "1"),
    ("watch", "1"),
    ("cancel", "1"),
    ("output", "1"),
    ("limits",),
    ("executors",),
    ("version",),
    ("submit", "a.sh"),
    ("run", "a.sh"),
]


@pytest.fixture(autouse=True)
def _source(telerun) -> None:
    telerun.write("a.sh", "echo\n")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_token_the_server_does_not_know(telerun, command: tuple[str, ...]) -> None:
    if command == ("version",):
        return  # told to anybody
    telerun.write("token", "0" * 64)
    said = telerun.fails("--token-file", "token", *command)
    assert "token" in said
    assert "0000" not in said


@pytest.mark.parametrize("command", [("list",), ("submit", "a.sh")], ids=" ".join)
def test_a_server_that_is_not_there(telerun, command: tuple[str, ...]) -> None:
    said = telerun.fails("--server", "http://127.0.0.1:1", "--token-file", telerun.env["TELERUN_TOKEN_FILE"], *command)
    assert "http://127.0.0.1:1" in said


@pytest.mark.parametrize("command", ["status", "logs", "watch", "cancel", "output"])
@pytest.mark.parametrize("job", ["999999", "../x"])
def test_a_job_that_is_not_there(telerun, command: str, job: str) -> None:
    telerun.fails(command, job)


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


def test_help_of_every_command(telerun) -> None:
    for command in ALL:
        assert telerun.ok(command, "--help").startswith(f"Usage: telerun {command}")
