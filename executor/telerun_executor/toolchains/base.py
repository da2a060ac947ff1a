"""The seam of languages: from a spec to commands, by pure functions that run nothing."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from telerun_executor.asm.assembly import AsmFile, Assembly
from telerun_executor.runners.base import Command
from telerun_executor.workspace import Workspace
from telerun_protocol.messages import JobSpec, ToolchainInfo
from telerun_protocol.states import Language

__all__ = ["AsmFile", "Assembly", "Toolchain"]


class Toolchain(ABC):
    """How one language is compiled and run.

    `archs` are the GPU architectures to compile for, the spec's own or those the executor chose; languages without
    device code ignore them.
    """

    language: Language

    @abstractmethod
    def info(self) -> ToolchainInfo | None:
        """Name and version of what was found at start, None where the language cannot be served here."""

    @abstractmethod
    def missing(self) -> str:
        """One sentence for doctor and for a refused job: what to install when `info` is None."""

    def prepare(self, spec: JobSpec, workspace: Workspace) -> None:
        """Put fetched files where they are needed; called once, in a thread, before anything else about the job.

        Raises InvalidMessage for files it cannot use.
        """
        return

    @abstractmethod
    def build_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        """The commands that compile, in order; empty where nothing is compiled.

        Raises InvalidMessage for a spec it cannot build.
        """

    def hidden_lines(self, spec: JobSpec) -> re.Pattern[bytes] | None:
        """How lines of the compilers begin that are for `read_assembly` alone: kept, not shown."""
        return None

    @abstractmethod
    def run_command(self, spec: JobSpec, workspace: Workspace) -> Command:
        """The program itself, once the build is done."""

    def asm_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        """Further commands that write assembly views, run beside the program when the spec asks for `asm`.

        Asked for once the build has succeeded: what to disassemble is read from what it left.
        """
        return ()

    def read_assembly(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str], compile_log: bytes) -> Assembly:
        """Collect and parse what the build and `asm_commands` left; called in a thread, all of it is untrusted."""
        return Assembly()
