"""The executor's settings: defaults, then a TOML file, then TELERUN_EXECUTOR_* variables, then flags."""

from __future__ import annotations

import difflib
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field
from platformdirs import user_state_path

from telerun_executor.runners.sandbox.settings import SandboxSettings
from telerun_protocol.errors import InvalidMessage, NotConfigured
from telerun_protocol.messages import Label
from telerun_protocol.states import Isolation

PREFIX = "TELERUN_EXECUTOR_"
SHARED = {"server": "TELERUN_SERVER", "token_file": "TELERUN_TOKEN_FILE"}  # without our prefix
SlotCount = Annotated[int, Meta(ge=1, le=256)]


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one executor process was told."""

    server: str | None = None
    token_file: str | None = None
    ca_file: str | None = None
    slots: SlotCount = 1
    compile_slots: SlotCount | None = (
        None  # as many as are of use: one more than programs run, if there are CPUs for it
    )
    labels: tuple[Label, ...] = ()
    work_dir: str = field(default_factory=lambda: str(user_state_path("telerun") / "executor"))
    keep: bool = False  # workspaces stay for a look after the job
    gpu: bool = True
    emulation: bool | Literal["auto"] = "auto"  # of CUDA on the CPU; auto: where nvcc and gcc are to be had
    quarantine_retry_s: Annotated[float, Meta(gt=0)] = 60.0  # how often a GPU that is out of service is tried again
    require_isolation: Isolation = Isolation.FULL  # where less is to be had, the executor does not start
    no_sandbox: bool = False  # run jobs as plain processes, even where a sandbox is to be had
    sandbox: SandboxSettings = SandboxSettings()
    drain_s: Annotated[float, Meta(ge=0, le=3600)] = 10.0  # how long running jobs may go on when the executor stops
    python: str = sys.executable  # runs Python jobs
    compile_memory_bytes: Annotated[int, Meta(ge=1 << 28)] = 8 << 30
    log_format: Literal["text", "json"] = "text"

    def server_address(self) -> str:
        if not self.server:
            raise NotConfigured(
                "No Telerun server is known.", hint="Give --server URL, or set TELERUN_SERVER or `server` in --config."
            )
        return self.server

    def token_path(self) -> Path:
        if not self.token_file:
            raise NotConfigured(
                "No token file is known.",
                hint="Give --token-file with a token made by `telerun-server executors add NAME`.",
            )
        return Path(self.token_file).expanduser()

    @property
    def compilers_at_once(self) -> int:
        return self.compile_slots or min(self.slots + 1, os.cpu_count() or 1)

    def ca_path(self) -> Path | None:
        return Path(self.ca_file).expanduser() if self.ca_file else None

    def work_path(self) -> Path:
        return Path(self.work_dir).expanduser().absolute()


def load(file: Path | None, flags: Mapping[str, Any], environment: Mapping[str, str]) -> Config:
    """The settings from all layers; `flags` that are None were not given. InvalidMessage names the culprit's origin."""
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for where, layer in (
        (f"in {file}", _from_file(file)),
        ("in the environment", _from_environment(environment)),
        ("among the options", {name: value for name, value in flags.items() if value not in (None, ())}),
    ):
        if unknown := layer.keys() - set(Config.__struct_fields__):
            name = min(unknown)
            near = difflib.get_close_matches(name, Config.__struct_fields__, n=1)
            hint = f"Did you mean {near[0]}?" if near else None
            raise InvalidMessage(f"There is no setting {name}, which stands {where}.", hint=hint)
        merged.update(layer)
        origin.update(dict.fromkeys(layer, where))
    try:
        return msgspec.convert(merged, Config, strict=False)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`").partition("[")[0]
        if name in origin:
            raise InvalidMessage(f"{name} {origin[name]} is not valid: {what}.") from None
        raise InvalidMessage(f"The settings are not valid: {error}.") from None


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidMessage(f"The configuration file {file} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidMessage(f"The configuration file {file} is not valid TOML: {error}.") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in set(Config.__struct_fields__) - {"sandbox"}:  # a table, for the file alone
        value = environment.get(PREFIX + name.upper()) or environment.get(SHARED.get(name, ""))
        if value:
            found[name] = [label for label in value.split(",") if label] if name == "labels" else value
    return found


class Token:
    """The token in a file, read anew when the file has changed, so that a rotated token needs no restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._token = ""
        self()

    def __call__(self) -> str:
        try:
            stat = self._path.stat()
            if (stat.st_mtime_ns, stat.st_ino) != self._seen:
                self._token = self._path.read_text("utf-8").strip()
                self._seen = (stat.st_mtime_ns, stat.st_ino)
        except (OSError, UnicodeDecodeError) as error:
            if not self._token:
                raise NotConfigured(f"The token file {self._path} cannot be read: {error}.") from None
        if not self._token:
            raise NotConfigured(f"The token file {self._path} is empty.")
        return self._token
