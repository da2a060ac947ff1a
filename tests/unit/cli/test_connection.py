"""Which server and which token: flag, environment, configuration, local server."""

from pathlib import Path

import pytest

from telerun_magic import config
from telerun_magic.connect import connection
from telerun_magic.local import local_server
from telerun_protocol.errors import InvalidMessage, NotConfigured


@pytest.fixture(autouse=True)
def _empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELERUN_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("TELERUN_STATE_DIR", str(tmp_path / "state"))


def token_file(folder: Path, token: str) -> Path:
    path = folder / f"{token}.token"
    path.write_text(f"{token}\n")
    return path


def test_flag_before_environment_before_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.login("https://saved.example", "saved")
    assert connection().url == "https://saved.example"
    assert connection().token() == "saved"

    monkeypatch.setenv("TELERUN_URL", "https://env.example/")
    monkeypatch.setenv("TELERUN_TOKEN_FILE", str(token_file(tmp_path, "env")))
    assert connection().url == "https://env.example"
    assert connection().token() == "env"

    flagged = connection(url="flag.example", token_file=token_file(tmp_path, "flag"))
    assert (flagged.url, flagged.token()) == ("https://flag.example", "flag")


def test_a_token_never_goes_to_another_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELERUN_URL", "https://env.example")
    monkeypatch.setenv("TELERUN_TOKEN_FILE", str(token_file(tmp_path, "env")))
    with pytest.raises(NotConfigured, match=r"No token is known for https://other\.example"):
        connection(url="https://other.example")


def test_a_rotated_token_is_picked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = token_file(tmp_path, "old")
    monkeypatch.setenv("TELERUN_TOKEN_FILE", str(path))
    found = connection(url="https://x.example")
    path.write_text("new")
    assert found.token() == "new"
    config.login("https://saved.example", "first")
    monkeypatch.delenv("TELERUN_TOKEN_FILE")
    saved = connection()
    config.login("https://saved.example", "second")
    assert saved.token() == "second"


@pytest.mark.parametrize("content", [None, "", "two words"])
def test_a_bad_token_file_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidMessage, match=str(path)):
        connection(url="https://x.example", token_file=path)


def test_a_missing_ca_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidMessage, match=r"nowhere\.pem"):
        connection(url="https://x.example", token_file=token_file(tmp_path, "t"), ca_file=tmp_path / "nowhere.pem")


def test_nothing_known_and_nothing_to_start() -> None:
    with pytest.raises(NotConfigured, match="telerun up"):
        connection(start=False)


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert local_server.missing() == []
    monkeypatch.setattr(local_server, "_is_installed", lambda name: name != "tornado")
    with pytest.raises(NotConfigured) as caught:
        connection()
    assert "tornado" in str(caught.value)
    assert "pip install 'telerun-magic[all]'" in str(caught.value)
    assert "telerun login URL" in str(caught.value)


@pytest.mark.parametrize(
    "content", ["", "{}", "not json", '{"pid":1,"started_at":1,"url":"http://127.0.0.1:1","token_file":"x","data":"x"}']
)
def test_a_stale_or_broken_state_file_is_no_server(content: str) -> None:
    config.make_private(local_server.state_folder())
    local_server.state_file().write_text(content)
    assert local_server.running() is None
    assert local_server.down() is None
    assert not local_server.state_file().exists()
