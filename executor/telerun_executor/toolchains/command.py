"""A command: an argv that is run as it is, beside its files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from telerun_executor.runners.base import Command
from telerun_executor.toolchains.base import Toolchain
from telerun_executor.workspace import Workspace
from telerun_protocol.messages import JobSpec, ToolchainInfo
from telerun_protocol.states import Language


class CommandToolchain(Toolchain):
    language = Language.COMMAND

    def info(self) -> ToolchainInfo:
        return ToolchainInfo(language=self.language, version="any program of this machine")

    def missing(self) -> str:
        return "Commands can always be run."

    def prepare(self, spec: JobSpec, workspace: Workspace) -> None:
        """The files lie in the current folder too, so that `./program` can be one of them."""
        for file in spec.files:
            target = workspace.work / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(workspace.src / file.path, target)

    def build_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        return ()

    def run_command(self, spec: JobSpec, workspace: Workspace) -> Command:
        return Command(argv=spec.args, cwd=workspace.work)
