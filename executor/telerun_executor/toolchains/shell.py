"""Shell scripts."""

from __future__ import annotations

from collections.abc import Sequence

from telerun_executor.runners.base import Command
from telerun_executor.toolchains.base import Toolchain
from telerun_executor.toolchains.discovery import find_tool
from telerun_executor.workspace import Workspace
from telerun_protocol.messages import JobSpec, ToolchainInfo
from telerun_protocol.states import Language

SHELL = "/bin/bash"


class ShellToolchain(Toolchain):
    language = Language.SHELL

    def info(self) -> ToolchainInfo | None:
        tool = find_tool(SHELL)
        return ToolchainInfo(language=self.language, version=str(tool)) if tool else None

    def missing(self) -> str:
        return f"{SHELL} is not installed here: install bash."

    def build_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        return ()

    def run_command(self, spec: JobSpec, workspace: Workspace) -> Command:
        assert spec.main_path, "checked by the spec"
        return Command(argv=(SHELL, str(workspace.src / spec.main_path), *spec.args), cwd=workspace.work)
