"""Settings: which layer wins, and what a wrong one is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from telerun_executor.config import Token, load
from telerun_protocol.errors import InvalidMessage, NotConfigured


def test_later_layers_win(tmp_path: Path) -> None:
    file = tmp_path / "executor.toml"
    file.write_text('slots = 2\ncompile_slots = 3\nserver = "http://file"\nlabels = ["a", "b"]\nkeep = true\n')
    environment = {"TELERUN_EXECUTOR_SLOTS": "4", "TELERUN_SERVER": "http://env", "TELERUN_EXECUTOR_LABELS": "c,d"}
    config = load(file, {"slots": 5, "gpu": None, "labels": ()}, environment)
    assert (config.slots, config.compile_slots, config.server) == (5, 3, "http://env")
    assert (config.labels, config.keep, config.gpu) == (("c", "d"), True, True)


def test_the_programs_own_variable_comes_before_the_shared_one() -> None:
    environment = {"TELERUN_SERVER": "http://all", "TELERUN_EXECUTOR_SERVER": "http://own"}
    assert load(None, {}, environment).server == "http://own"


@pytest.mark.parametrize(
    ("text", "flags", "environment", "names"),
    [
        ("slots = 0", {}, {}, ("slots in ",)),
        ('slots = "many"', {}, {}, ("slots in ",)),
        ("", {"slots": 0}, {}, ("slots among the options",)),
        ("", {}, {"TELERUN_EXECUTOR_SLOTS": "x"}, ("slots in the environment",)),
        ("", {"labels": ("a b",)}, {}, ("labels among the options",)),
        ("slotz = 1", {}, {}, ("no setting slotz", "executor.toml")),
        ("slots = ", {}, {}, ("not valid TOML",)),
    ],
)
def test_what_is_not_valid_is_named_with_its_origin(
    tmp_path: Path, text: str, flags: dict[str, object], environment: dict[str, str], names: tuple[str, ...]
) -> None:
    file = tmp_path / "executor.toml"
    file.write_text(text)
    with pytest.raises(InvalidMessage) as refused:
        load(file, flags, environment)
    for name in names:
        assert name in refused.value.message


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidMessage, match="cannot be read"):
        load(tmp_path / "none.toml", {}, {})


def test_what_is_needed_to_run_is_asked_for() -> None:
    config = load(None, {}, {})
    with pytest.raises(NotConfigured, match="--server"):
        config.server_address()
    with pytest.raises(NotConfigured, match="--token-file"):
        config.token_path()


def test_a_rotated_token_is_picked_up(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one\n")
    token = Token(file)
    assert token() == "one"
    file.write_text("two\n")
    os.utime(file, ns=(1, 1))
    assert token() == "two"
    file.unlink()
    assert token() == "two"  # in the middle of being replaced


def test_a_token_file_that_is_not_there_or_empty(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="cannot be read"):
        Token(tmp_path / "none")
    (tmp_path / "empty").touch()
    with pytest.raises(NotConfigured, match="is empty"):
        Token(tmp_path / "empty")
