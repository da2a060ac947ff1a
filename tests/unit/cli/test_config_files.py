"""config.toml and credentials.toml, as people and login write them."""

import stat
from pathlib import Path

import pytest

from telerun_magic import config
from telerun_protocol.errors import InvalidMessage


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TELERUN_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config"


def test_no_file_is_an_empty_configuration() -> None:
    assert config.load() == config.Config()
    assert config.credentials() == {}


def test_login_keeps_comments_defaults_and_the_tokens_of_other_servers(folder: Path) -> None:
    config.login("https://one.example", "first")
    path = folder / "config.toml"
    path.write_text(f"# mine\n{path.read_text()}\n[defaults]\nstd = 'c++20' # always\n")

    config.login("two.example:8443", "second", "ann", Path("ca.pem"))

    text = path.read_text()
    assert "# mine" in text
    assert "# always" in text
    assert config.load() == config.Config(
        url="https://two.example:8443", ca_file=str(Path("ca.pem").absolute()), defaults={"std": "c++20"}
    )
    assert config.credentials() == {
        "https://one.example": config.Credential(token="first"),
        "https://two.example:8443": config.Credential(token="second", user="ann"),
    }


def test_only_the_owner_can_read_what_login_wrote(folder: Path) -> None:
    config.login("https://one.example", "first")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("config.toml", "url = ", "not valid TOML"),
        ("config.toml", "url = 3", "$.url"),
        ("config.toml", "urll = 'x'", "urll"),
        ("credentials.toml", "[a]\nuser = 'x'", "token"),
        ("credentials.toml", "\x00", "not valid TOML"),
    ],
)
def test_a_broken_file_is_named_and_left_as_it_is(folder: Path, name: str, text: str, said: str) -> None:
    folder.mkdir()
    (folder / name).write_text(text)
    with pytest.raises(InvalidMessage) as caught:
        config.login("https://one.example", "first")
    assert str(folder / name) in str(caught.value)
    assert said in str(caught.value)
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_text() == text


def test_a_file_that_is_not_text_is_named(folder: Path) -> None:
    folder.mkdir()
    (folder / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidMessage, match=r"config\.toml is not a UTF-8"):
        config.load()


def test_logout_forgets_one_server() -> None:
    config.login("https://one.example", "first")
    config.login("https://two.example", "second")
    assert config.logout() == "https://two.example"
    assert config.load().url is None
    assert list(config.credentials()) == ["https://one.example"]
    assert config.logout("one.example") == "https://one.example"
    assert config.logout() is None


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("example.org", "https://example.org"),
        (" HTTPS://Example.org:443/ ", "https://example.org"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8080/telerun/", "http://[::1]:8080/telerun"),
    ],
)
def test_one_spelling_of_an_address(text: str, url: str) -> None:
    assert config.server_url(text) == url


@pytest.mark.parametrize(
    "text",
    ["", "ftp://x", "http://", "http://x:99999", "http://user:word@x", "https://x?token=1", "http://[", "not a url"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage, match="not a server address"):
        config.server_url(text)


@pytest.mark.parametrize("text", ["", "two words", "line\nline", "ü", "\x1b[31m"])
def test_what_is_no_token_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        config.check_token(text)
    assert not text or text not in str(caught.value)
