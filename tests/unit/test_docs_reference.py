"""What the documentation lists is complete and true: settings, variables, routes, messages, reasons, metrics."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import click
import msgspec
import pytest
from tests_docs import DOCS, PAGES, ROOT, SCRIPTS, fences, named, section, table_rows, text_of

from telerun_executor import config as executor_config
from telerun_executor.cli import main as executor_cli
from telerun_executor.runners.sandbox.settings import SandboxSettings
from telerun_magic import config as client_config
from telerun_magic import options
from telerun_protocol import routes
from telerun_protocol.limits import DEFAULTS
from telerun_protocol.messages import Limits
from telerun_protocol.states import Reason
from telerun_server import config as server_config
from telerun_server.app import ROUTES
from telerun_server.cli import main as server_cli
from telerun_server.metrics import Metrics

TEST_VARIABLES = {"TELERUN_GPU_EVIDENCE"}  # of the tests themselves
INTERNAL_VARIABLES = {"TELERUN_READY_FD", "TELERUN_EXECUTOR_", "TELERUN_"}  # between our programs; prefixes

# ------------------------------------------------------------------------------------------------------- settings

CLIENT, SERVER, EXECUTOR = (
    "The client: notebooks, `telerun`, `telerun_magic`",
    "The server: `telerun-server`",
    "The executor: `telerun-executor`",
)
CONFIGURATION = text_of(DOCS / "configuration.md")


def keys(heading: str) -> dict[str, list[str]]:
    """The rows of its tables whose first word is a key."""
    rows = table_rows(section(CONFIGURATION, heading))
    return {names[0]: row for row in rows if (names := named(row[0])) and re.fullmatch("[a-z_]+", names[0])}


def options_of(command: click.Command) -> set[str]:
    return {flag for param in command.params for flag in (*param.opts, *param.secondary_opts) if flag.startswith("--")}


def test_settings_of_the_client() -> None:
    assert set(keys(CLIENT)) == set(client_config.Config.__struct_fields__)
    text = fences(section(CONFIGURATION, CLIENT), "toml")[0]
    found = msgspec.convert(tomllib.loads(text), client_config.Config)
    assert options.from_config(found.defaults)


def test_settings_of_the_server(tmp_path: Path) -> None:
    rows, plain = keys(SERVER), server_config.Config()
    limits = set(Limits.__struct_fields__)
    assert set(rows) == set(plain.__struct_fields__) - {"default_limits", "max_limits"} | limits
    for name, row in rows.items():
        shown = tuple(msgspec.json.decode(value.strip("`")) for value in row[1 : 3 if name in limits else 2])
        if name in limits:
            assert shown == (getattr(DEFAULTS, name), getattr(server_config.MAXIMA, name)), name
        else:
            assert shown[0] == msgspec.json.decode(msgspec.json.encode(getattr(plain, name))), name
    file = tmp_path / "server.toml"
    file.write_text(fences(section(CONFIGURATION, SERVER), "toml")[0])
    assert server_config.load(file).retention_s == 1209600
    flags = {flag for row in table_rows(section(CONFIGURATION, SERVER)) for flag in named(row[0]) if flag[:2] == "--"}
    assert flags == options_of(server_cli.commands["run"])


def test_settings_of_the_executor(tmp_path: Path) -> None:
    rows, plain = keys(EXECUTOR), executor_config.Config()
    assert set(rows) == set(plain.__struct_fields__) - {"sandbox"}
    for name, (_, _, variables, default, _) in rows.items():
        shared = [executor_config.SHARED[name]] if name in executor_config.SHARED else []
        assert named(variables) == [f"{executor_config.PREFIX}{name.upper()}", *shared]
        if re.fullmatch(r"[\d.]+|true|false", default):
            assert msgspec.json.decode(default) == getattr(plain, name), name
    flags = {flag for row in rows.values() for flag in named(row[1])}
    assert flags | {"--config"} == options_of(executor_cli.commands["run"])
    file = tmp_path / "executor.toml"
    file.write_text(fences(section(CONFIGURATION, EXECUTOR), "toml")[0])
    assert executor_config.load(file, {}, {}).slots == 2


def test_settings_of_the_sandbox(tmp_path: Path) -> None:
    text = section(text_of(DOCS / "isolation.md"), "Settings")
    rows = {names[0]: row for row in table_rows(text) if (names := named(row[0]))}
    assert set(rows) == set(SandboxSettings.__struct_fields__)
    for name, (_, default, _) in rows.items():
        value = getattr(SandboxSettings(), name)
        shown = msgspec.json.encode(value).decode() if value is not None else ""
        assert default.strip("`") == shown, name
    file = tmp_path / "executor.toml"
    file.write_text(fences(text, "toml")[0])
    found = executor_config.load(file, {}, {}).sandbox
    assert (found.of("student").cpus, found.of("other").cpus) == (1.0, 4.0)


def variables_in_code() -> set[str]:
    sources = [path for folder in ("telerun_magic", "server", "executor") for path in (ROOT / folder).rglob("*.py")]
    found = {name for path in sources for name in re.findall(r"\bTELERUN_(?!EMULATOR_)[A-Z_]*", text_of(path))}
    fields = {f"{executor_config.PREFIX}{name.upper()}" for name in executor_config.Config.__struct_fields__}
    return (found | fields) - INTERNAL_VARIABLES - {f"{executor_config.PREFIX}SANDBOX"}


def test_every_variable_is_described() -> None:
    assert set(re.findall(r"\bTELERUN_[A-Z_]+", CONFIGURATION)) == variables_in_code()


@pytest.mark.parametrize("page", [*PAGES, *SCRIPTS], ids=lambda path: path.name)
def test_variables_exist(page: Path) -> None:
    assert set(re.findall(r"\bTELERUN_[A-Z_]+\b", text_of(page))) <= variables_in_code() | TEST_VARIABLES


# ------------------------------------------------------------------------------------------- routes, words, numbers


def test_every_route_is_described() -> None:
    described = set(re.findall(r"^### ([A-Z]+ /\S+)$", text_of(DOCS / "http-api.md"), re.MULTILINE))
    served = set()
    for route, handler in ROUTES:
        methods = getattr(handler, "allowed", {}) or {"GET": None}
        served |= {f"{method} {route}" for method in methods if method != "HEAD"}
    assert described == served
    assert {route for route, _ in ROUTES} == {
        value
        for name, value in vars(routes).items()
        if name.isupper() and str(value).startswith("/") and name != "PREFIX"
    }


def test_the_messages_are_up_to_date() -> None:
    text = text_of(DOCS / "http-api.md")
    assert text == tool("http_messages").page(text), "run: python tools/http_messages.py docs/http-api.md"


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_reason_is_explained() -> None:
    rows = table_rows(section(text_of(DOCS / "troubleshooting.md"), "Why a job did not succeed"))
    assert [named(row[0]) for row in rows[1:] if named(row[0])] == [[reason.value] for reason in Reason]


def test_every_metric_is_described() -> None:
    served = set(re.findall(r"^# TYPE (telerun_\w+) (?!gauge$)\w+$", Metrics().text().decode(), re.MULTILINE))
    served |= {"telerun_jobs", "telerun_waiting_requests"}
    rows = table_rows(section(text_of(DOCS / "operations.md"), "Metrics"))
    assert {names[0] for row in rows if (names := named(row[0]))} == served
