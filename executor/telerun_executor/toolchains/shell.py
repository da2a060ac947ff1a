"""Shell scripts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from telerun_protocol.messages import JobSpec, ToolchainInfo
from telerun_protocol.states import Language

from telerun_executor.runners.base import Command
from telerun_executor.toolchains.base import Toolchain
from telerun_executor.toolchains.native import version_of
from telerun_executor.workspace import Workspace

SHELL = "/bin/bash"


class ShellToolchain(Toolchain):
    language = Language.SHELL

    @cached_property
    def _found(self) -> ToolchainInfo | None:
        return version_of(self.language, SHELL)

    def info(self) -> ToolchainInfo | None:
        return self._found

    def missing(self) -> str:
        return f"{SHELL} is not installed here: install bash."

    def build_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        return ()

    def run_command(self, spec: JobSpec, workspace: Workspace) -> Command:
        assert spec.main_path, "checked by the spec"
        return Command(argv=(SHELL, str(workspace.src / spec.main_path), *spec.args), cwd=workspace.work)
