"""What the clients before Telerun kept, taken over."""

import json
from pathlib import Path

import pytest

from telerun_magic import legacy_files
from telerun_magic.legacy_files import OldAccount
from telerun_protocol.errors import InvalidMessage


def put(path: Path, **content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_auth_json_with_the_connection_beside_it(tmp_path: Path) -> None:
    auth = put(tmp_path / "auth.json", username="ann", token="ab" * 32)
    put(tmp_path / "connection.json", domain="gpu.example", port=4443, cert="PEM")
    assert legacy_files.read(auth) == OldAccount(
        token="ab" * 32, user="ann", url="https://gpu.example:4443", certificate="PEM"
    )


def test_auth_json_alone_names_no_server(tmp_path: Path) -> None:
    assert legacy_files.read(put(tmp_path / "auth.json", username="ann", token="t")) == OldAccount(
        token="t", user="ann"
    )


def test_the_home_file_has_everything(tmp_path: Path) -> None:
    path = put(tmp_path / ".telerun.json", username="a", token="t", url="http://h:8000", cert=None, version="0.0.9")
    put(tmp_path / "connection.json", domain="elsewhere", port=1, cert="PEM")
    assert legacy_files.read(path) == OldAccount(token="t", user="a", url="http://h:8000")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"token": 3}', '{"username": "a"}'])
def test_other_files_are_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "auth.json"
    path.write_text(text)
    with pytest.raises(InvalidMessage, match=r"auth\.json"):
        legacy_files.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidMessage, match="nowhere"):
        legacy_files.read(tmp_path / "nowhere")
