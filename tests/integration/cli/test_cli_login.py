"""`telerun login` and `logout`."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest


@pytest.fixture
def fresh(telerun, tmp_path: Path):
    """Nobody is logged in; the test's server is there."""
    telerun.env.pop("TELERUN_URL")
    telerun.env.pop("TELERUN_TOKEN_FILE")
    telerun.env["TELERUN_CONFIG_DIR"] = str(tmp_path / "config")
    return telerun


def test_login_is_tried_stored_and_forgotten(fresh, telerun_server, tmp_path: Path) -> None:
    said = fresh.ok("login", telerun_server.url, "--token-file", str(telerun_server.user_token_file))
    assert telerun_server.url in said
    assert telerun_server.user_token_file.read_text().strip() not in said
    stored = tmp_path / "config" / "credentials.toml"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert fresh.ok("list", "-n", "1")
    assert "Logged out" in fresh.ok("logout")
    assert "no login" in fresh.fails("logout")
    assert telerun_server.user_token_file.read_text().strip() not in stored.read_text()


def test_an_account_from_its_making_to_its_first_job(fresh, telerun_server) -> None:
    argv = [sys.executable, "-m", "telerun_server", "users", "add", "ada", "--data", str(telerun_server.data)]
    token = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    said = fresh("login", telerun_server.url, "--token-file", "-", stdin=token)
    assert (said.returncode, said.stdout) == (0, f"Logged in to {telerun_server.url} as ada (user).\n")
    fresh.write("a.sh", "echo hello\n")
    assert "hello" in fresh.ok("submit", "a.sh")
    (job,) = json.loads(fresh.ok("list", "--json"))["jobs"]
    assert (job["owner"], job["state"]) == ("ada", "succeeded")


def test_a_wrong_token_is_not_stored(fresh, telerun_server, tmp_path: Path) -> None:
    said = fresh.fails("login", telerun_server.url, "--token-file", "-", stdin="wrong\n")
    assert "Nothing was stored" in said
    assert "wrong" not in said
    assert not (tmp_path / "config").exists()
    assert "nobody can be asked" in fresh.fails("login", telerun_server.url)
    assert "No server was named" in fresh.fails("login")
    fresh.write("bad.pem", "no certificate")
    for ca_file in ("nowhere.pem", "bad.pem"):
        said = fresh.fails("login", "https://127.0.0.1:1", "--ca-file", ca_file, "--token-file", "-", stdin="x\n")
        assert ca_file in said
    assert "Nothing was stored" in fresh.fails("login", "http://127.0.0.1:1", "--token-file", "-", stdin="x\n")


def test_another_token_is_not_replaced_silently(fresh, telerun_server, tmp_path: Path) -> None:
    token_file = str(telerun_server.user_token_file)
    (tmp_path / "config").mkdir()
    stored = tmp_path / "config" / "credentials.toml"
    stored.write_text(f'["{telerun_server.url}"]\ntoken = "older"\n')
    assert "--force" in fresh.fails("login", telerun_server.url, "--token-file", token_file)
    assert "older" in stored.read_text()
    fresh.ok("login", "--force", telerun_server.url, "--token-file", token_file)
    assert "older" not in stored.read_text()


def test_the_file_of_an_older_client(fresh, telerun_server) -> None:
    token = telerun_server.user_token_file.read_text().strip()
    auth = {"username": "somebody", "token": token, "url": telerun_server.url}
    fresh.write(".telerun.json", json.dumps(auth))
    assert telerun_server.url in fresh.ok("login", "--import", ".telerun.json")
    assert fresh.ok("list", "-n", "1")
    fresh.write("auth.json", json.dumps({"username": "somebody", "token": token}))
    assert "does not name a server" in fresh.fails("login", "--import", "auth.json")
    fresh.write("bad.json", "[]")
    assert "bad.json" in fresh.fails("login", "--import", "bad.json")


def test_the_prompt_does_not_show_the_token(fresh, telerun_server) -> None:
    token = telerun_server.user_token_file.read_text().strip()
    child = pexpect.spawn(
        sys.executable,
        ["-m", "telerun_magic.cli", "login", telerun_server.url],
        env=fresh.env,
        cwd=fresh.cwd,
        timeout=60,
    )
    child.expect("Token for")
    child.sendline(token)
    child.expect("Logged in to")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert token.encode() not in child.before
