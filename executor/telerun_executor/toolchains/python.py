"""Python programs, run by the interpreter that the executor was told to use, with whatever is installed for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from telerun_protocol.messages import JobSpec, ToolchainInfo
from telerun_protocol.states import Language

from telerun_executor.runners.base import Command
from telerun_executor.toolchains.base import Toolchain
from telerun_executor.toolchains.native import version_of
from telerun_executor.workspace import Workspace


class PythonToolchain(Toolchain):
    language = Language.PYTHON

    def __init__(self, python: str) -> None:
        self._python = python

    @cached_property
    def _found(self) -> ToolchainInfo | None:
        return version_of(self.language, self._python)

    def info(self) -> ToolchainInfo | None:
        return self._found

    def missing(self) -> str:
        return f"The Python interpreter {self._python} does not start: set `python` in the executor's configuration."

    def build_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        return ()

    def run_command(self, spec: JobSpec, workspace: Workspace) -> Command:
        assert spec.main_path, "checked by the spec"
        argv = (self._python, "-u", str(workspace.src / spec.main_path), *spec.args)
        return Command(argv=argv, cwd=workspace.work)
