"""C and C++ by the machine's own compilers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from telerun_executor.asm.host import host_asm_command, read_host_assembly
from telerun_executor.runners.base import Command
from telerun_executor.toolchains.base import Assembly, Toolchain
from telerun_executor.toolchains.discovery import Tool, find_tool
from telerun_executor.toolchains.flags import as_operand, check_host_flags
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import JobSpec, ToolchainInfo
from telerun_protocol.states import Language, StreamId

PLAIN = "-fdiagnostics-color=never"  # the log is text; whoever shows it colours it
DEFAULT_OPTIMIZATION = "-O2"


class NativeToolchain(Toolchain):
    """One of the two languages. A spec's `compiler` is a family, such as `clang`, perhaps with a version: `g++-12`."""

    def __init__(self, language: Language) -> None:
        assert language in (Language.C, Language.CPP)
        self.language = language
        self._drivers = {"gcc": "g++", "clang": "clang++"} if language is Language.CPP else {}
        self._default = "g++" if language is Language.CPP else "gcc"

    def info(self) -> ToolchainInfo | None:
        tool = find_tool(self._default)
        return ToolchainInfo(language=self.language, version=str(tool)) if tool else None

    def missing(self) -> str:
        return f"{self._default} is not installed here: install it, for example with `apt-get install {self._default}`."

    def compiler(self, spec: JobSpec) -> Tool:
        """The compiler that the spec asks for; InvalidMessage when this executor does not have it."""
        asked, _, version = (spec.compiler or self._default).partition("-")
        family = self._drivers.get(asked, asked)
        known = ("g++", "clang++") if self.language is Language.CPP else ("gcc", "clang")
        if family not in known:
            raise InvalidMessage(
                f"{spec.compiler!r} is not a compiler for this language; there are {', '.join(known)}."
            )
        name = f"{family}-{version}" if version else family
        tool = find_tool(name)
        if tool is None:
            raise InvalidMessage(
                f"This executor has no {name}.", hint=f"Leave the compiler out to use {self._default}."
            )
        return tool

    def build_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        assert spec.main_path, "checked by the spec"
        check_host_flags(spec)
        main = as_operand(spec.main_path)
        if spec.run:
            libraries = (f"-l{library}" for library in spec.libraries)
            argv = (*self._compile(spec), main, "-x", "none", "-o", str(workspace.program), *libraries)
        else:  # needs no main; where there may be further sources among the flags, all become one object
            to_object = "-c" if all(flag.startswith("-") for flag in spec.compile_flags) else "-r"
            argv = (*self._compile(spec), to_object, main, "-o", str(workspace.build / "program.o"))
        return (Command(argv=argv, cwd=workspace.src, stdout=StreamId.COMPILE, stderr=StreamId.COMPILE),)

    def _compile(self, spec: JobSpec) -> tuple[str, ...]:
        """The compiler and its options without the files: what assembly is made with too."""
        optimized = any(re.fullmatch(r"-O\S*", flag) for flag in spec.compile_flags)
        return (
            str(self.compiler(spec).path),
            PLAIN,
            *(() if optimized else (DEFAULT_OPTIMIZATION,)),
            *((f"-std={spec.std}",) if spec.std else ()),
            "-I.",
            *spec.compile_flags,
            "-x",
            "c++" if self.language is Language.CPP else "c",
        )

    def asm_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        assert spec.main_path, "checked by the spec"
        if not spec.asm:
            return ()
        return (host_asm_command(self._compile(spec), as_operand(spec.main_path), workspace, env={}),)

    def read_assembly(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str], compile_log: bytes) -> Assembly:
        assert spec.main_path, "checked by the spec"
        return read_host_assembly(spec.main_path, workspace) if spec.asm else Assembly()

    def run_command(self, spec: JobSpec, workspace: Workspace) -> Command:
        return Command(argv=(str(workspace.program), *spec.args), cwd=workspace.work)
