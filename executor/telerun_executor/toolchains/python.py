"""Python programs, run by the interpreter that the executor was told to use, with whatever is installed for it."""

from __future__ import annotations

from collections.abc import Sequence

from telerun_executor.runners.base import Command
from telerun_executor.toolchains.base import Toolchain
from telerun_executor.toolchains.discovery import find_tool
from telerun_executor.workspace import Workspace
from telerun_protocol.messages import JobSpec, ToolchainInfo
from telerun_protocol.states import Language


class PythonToolchain(Toolchain):
    language = Language.PYTHON

    def __init__(self, python: str) -> None:
        self._python = python

    def info(self) -> ToolchainInfo | None:
        tool = find_tool(self._python)
        return ToolchainInfo(language=self.language, version=str(tool)) if tool else None

    def missing(self) -> str:
        return f"The Python interpreter {self._python} does not start: set `python` in the executor's configuration."

    def build_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        return ()

    def run_command(self, spec: JobSpec, workspace: Workspace) -> Command:
        assert spec.main_path, "checked by the spec"
        argv = (self._python, "-u", str(workspace.src / spec.main_path), *spec.args)
        return Command(argv=argv, cwd=workspace.work)
