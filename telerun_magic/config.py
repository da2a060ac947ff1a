"""What a person has set: `config.toml` (the server, defaults of cells) and `credentials.toml` (tokens, 0600).

Both lie in the user's configuration folder, or in `TELERUN_CONFIG_DIR`. Flags and `TELERUN_*` variables come before
them; `telerun_magic.connect` knows the order.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar
from urllib.parse import urlsplit

import platformdirs
import tomlkit
from msgspec import Struct

from telerun_protocol.codec import convert
from telerun_protocol.errors import InvalidMessage

T = TypeVar("T")
CONFIG_FILE = "config.toml"
CREDENTIALS_FILE = "credentials.toml"


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`config.toml`. `defaults` holds options for cells and submits by their long names, such as `std = "c++20"`."""

    url: str | None = None
    ca_file: str | None = None
    defaults: dict[str, Any] = {}


class Credential(Struct, frozen=True, kw_only=True):
    """One server's table in `credentials.toml`."""

    token: str
    user: str | None = None


def folder() -> Path:
    return Path(os.environ.get("TELERUN_CONFIG_DIR") or platformdirs.user_config_dir("telerun"))


def load() -> Config:
    """The configuration; an empty one where there is no file. A bad file is an InvalidMessage that names it."""
    return _read(folder() / CONFIG_FILE, Config)


def credentials() -> Mapping[str, Credential]:
    """What `login` stored, by server URL."""
    return _read(folder() / CREDENTIALS_FILE, dict[str, Credential])


def server_url(text: str) -> str:
    """The one spelling of a server's address under which its token is kept."""
    wrong = InvalidMessage(f"{text!r} is not a server address.", hint="It looks like https://telerun.example.org.")
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    extra = parts.username or parts.query or parts.fragment or len(text.split()) > 1
    if parts.scheme not in ("http", "https") or not host or extra:
        raise wrong
    where = f"[{host}]" if ":" in host else host
    if port and port != {"http": 80, "https": 443}[parts.scheme]:
        where += f":{port}"
    return f"{parts.scheme}://{where}{parts.path.rstrip('/')}"


def login(url: str, token: str, user: str | None = None, ca_file: Path | None = None) -> None:
    """Makes `url` the server to use and keeps its token; tokens of other servers, and comments, stay."""
    url = server_url(url)
    entry = {"token": token} | ({"user": user} if user else {})
    kept = credentials()  # a file that cannot be read is reported, not replaced
    load()
    tokens = _document(folder() / CREDENTIALS_FILE)
    if url in kept:
        del tokens[url]
    tokens[url] = entry
    settings = _document(folder() / CONFIG_FILE)
    settings["url"] = url
    if ca_file:
        settings["ca_file"] = str(ca_file.absolute())
    else:
        settings.pop("ca_file", None)
    write(folder() / CREDENTIALS_FILE, tomlkit.dumps(tokens))
    write(folder() / CONFIG_FILE, tomlkit.dumps(settings))


def logout(url: str | None = None) -> str | None:
    """Forgets the token of `url`, or of the server in use; returns that server's URL, None where nothing was known."""
    current, kept = load().url, credentials()
    url = server_url(url) if url else current
    settings, tokens = _document(folder() / CONFIG_FILE), _document(folder() / CREDENTIALS_FILE)
    if url is None or (url not in kept and url != current):
        return None
    if url in kept:
        del tokens[url]
        write(folder() / CREDENTIALS_FILE, tomlkit.dumps(tokens))
    if url == current:
        del settings["url"]
        settings.pop("ca_file", None)
        write(folder() / CONFIG_FILE, tomlkit.dumps(settings))
    return url


def write(path: Path, text: str) -> None:
    """Replaces a private file (0600) as a whole: a reader sees the old content or the new, never a part."""
    make_private(path.parent)
    try:
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            file.write(text)  # mkstemp made it 0600
        Path(file.name).replace(path)
    except OSError as error:
        raise InvalidMessage(f"{path} cannot be written: {error.strerror}.") from error


def make_private(path: Path) -> None:
    """A folder that only its owner can enter; one that exists stays as it is."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidMessage(f"{path} cannot be made: {error.strerror}.") from error


def read_text(path: Path) -> str:
    """A text file a person named, or one line about why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidMessage(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidMessage(f"{path} is not a UTF-8 text file.") from error


def check_token(text: str) -> str:
    """A token without the blanks around it; InvalidMessage for what cannot be one."""
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidMessage("That is not a token.", hint="A token is one word of letters, digits and signs.")
    return token


def _text(path: Path) -> str:
    return read_text(path) if path.exists() else ""


def _read(path: Path, type_: type[T]) -> T:
    try:
        return convert(tomllib.loads(_text(path)), type_)
    except tomllib.TOMLDecodeError as error:
        raise InvalidMessage(f"{path} is not valid TOML: {error}.", hint="Correct or remove the file.") from error
    except InvalidMessage as error:
        if error.path is None:
            raise
        raise InvalidMessage(f"{path}: {error.message}", hint="Correct or remove the file.") from error


def _document(path: Path) -> tomlkit.TOMLDocument:
    return tomlkit.parse(_text(path))
