"""CUDA: nvcc builds the program and, in the same call, keeps what the assembly views are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from telerun_executor.asm.cuda import read_cuda_assembly, sass_path, shown_cubins
from telerun_executor.asm.resources import TABLE_LINE
from telerun_executor.runners.base import Command
from telerun_executor.toolchains.base import Assembly, Toolchain
from telerun_executor.toolchains.discovery import CudaTools, Nvcc, Tool, compiler_env, find_cuda_tools, find_tool
from telerun_executor.toolchains.emulation import Emulation
from telerun_executor.toolchains.flags import as_operand, check_nvcc_flags
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import JobSpec, ToolchainInfo
from telerun_protocol.states import Language, StreamId

_SETS_ARCH = re.compile(r"--?(arch|gpu-architecture|code|gpu-code|gencode|generate-code)(=|$)")
_SETS_OPTIMISATION = re.compile(r"-O.|--optimize|-G$|--device-debug$|-g$|--debug$")
_SETS_SHARED_RUNTIME = re.compile(r"(^| )--?cudart[= ]shared\b")
_ASKS_FOR_TABLE = re.compile(
    r"(^| )--?(res-usage|resource-usage)\b|-(Xptxas|-ptxas-options)[= ](\S*,)?(-v|--verbose)\b"
)
_SETS_NATIVE = re.compile(r"(^| )--?(arch|gpu-architecture)[= ]native\b")
_UNUSABLE_IN_NAMES = '$`"\\,'
"""nvcc runs its steps through a shell and hands file names on in lists."""


class CudaToolchain(Toolchain):
    """Compiles one `.cu` file (others of the spec are found by `#include`, or named in the flags)."""

    language = Language.CUDA

    def __init__(self, tools: CudaTools | None = None, emulation: Emulation | None = None) -> None:
        """With `emulation` programs are built for it, not for a GPU."""
        self._tools = tools or find_cuda_tools()
        self._emulation = emulation

    def info(self) -> ToolchainInfo | None:
        nvcc, host = self._tools.nvcc, self._tools.host
        if nvcc is None or host is None:
            return None
        return ToolchainInfo(language=self.language, version=f"{nvcc.tool}, {host}")

    def missing(self) -> str:
        return self._tools.problem

    def build_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        nvcc = self._nvcc()
        main = _main(spec)
        check_nvcc_flags(spec)
        flags = ["-lineinfo", "--resource-usage", "-I."]
        if not any(_SETS_OPTIMISATION.match(flag) for flag in spec.compile_flags):
            flags.append("-O3")
        if spec.std:
            flags.append(f"-std={spec.std}")
        chosen = self._arch_flags(spec, archs, nvcc)
        flags += chosen
        if len(chosen) > 1 and " " not in str(workspace.root):  # with one in TMPDIR, nvcc's threads fail
            flags.append(f"--threads={len(chosen)}")
        host = self._tools.host
        if spec.compiler and spec.compiler not in ("nvcc", "g++", "gcc"):
            host = _host_compiler(spec.compiler)
            flags.append(f"-ccbin={host.path}")
        if nvcc.library_folder:
            flags.append(f"-L{nvcc.library_folder}")
            if self._emulation is None:
                _refuse_shared_runtime(spec)
        if spec.asm:
            # The host's assembly is a file gcc writes anyway; -g1 is what ties it to the source and changes no code.
            flags += ["--keep", f"--keep-dir={workspace.build}", "-Xcompiler=-g1,-save-temps=obj"]
        language = [] if main.endswith(".cu") else ["-x", "cu"]
        source = as_operand(main)
        libraries = [f"-l{library}" for library in spec.libraries]
        # What is not to run needs no main, and further sources among the flags may each become an object.
        aim = ["-o", str(workspace.program)] if spec.run else ["-c", f"-odir={workspace.build}"]
        build = Command(
            argv=(
                str(nvcc.tool.path),
                *flags,
                *spec.compile_flags,
                *aim,
                *language,
                source,
                *libraries,
                *(self._emulation.compile_flags if self._emulation else ()),
            ),
            cwd=workspace.src,
            env=compiler_env(nvcc.tool, host),
            stdout=StreamId.COMPILE,
            stderr=StreamId.COMPILE,
        )
        return (build, self._emulation.translate_command(spec, workspace)) if self._emulation else (build,)

    def _arch_flags(self, spec: JobSpec, archs: Sequence[str], nvcc: Nvcc) -> list[str]:
        """For the emulation only what is to be looked at; what runs is added to it."""
        if self._emulation is None:
            return _arch_flags(spec, archs, nvcc)
        self._emulation.check_flags(spec)
        return _arch_flags(spec, archs, nvcc) if spec.asm or spec.archs else []

    def hidden_lines(self, spec: JobSpec) -> re.Pattern[bytes] | None:
        """The table of resources, which the result has, unless the flags ask for it."""
        return None if _ASKS_FOR_TABLE.search(" ".join(spec.compile_flags)) else TABLE_LINE

    def run_command(self, spec: JobSpec, workspace: Workspace) -> Command:
        env = self._emulation.run_env(spec, workspace) if self._emulation else {}
        return Command(argv=(str(workspace.program), *spec.args), cwd=workspace.work, env=env)

    def asm_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        tool = self._tools.nvdisasm
        if not spec.asm or tool is None:
            return ()
        return tuple(
            Command(
                # Without the data flow analysis the text is the same, and there in three quarters of the time.
                argv=(str(tool.path), "-ndf", "-c", "-hex", str(path)),
                cwd=workspace.build,
                env=compiler_env(tool),
                stdout=StreamId.COMPILE,
                stderr=StreamId.COMPILE,
                stdout_file=sass_path(workspace, arch),
            )
            for arch, path in shown_cubins(_main(spec), workspace).items()
        )

    def read_assembly(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str], compile_log: bytes) -> Assembly:
        """Without `asm` in the spec only what each kernel needs, which the build has printed in any case."""
        return read_cuda_assembly(
            _main(spec), workspace, compile_log, views=spec.asm, disassembled=self._tools.nvdisasm is not None
        )

    def _nvcc(self) -> Nvcc:
        if self._tools.nvcc is None or self._tools.host is None:
            raise InvalidMessage("This executor cannot compile CUDA.", hint=self.missing())
        return self._tools.nvcc


def _main(spec: JobSpec) -> str:
    main = spec.main_path
    if main is None:
        raise InvalidMessage("main must say which of the files to compile.", path="$.spec.main")
    if bad := sorted(set(main) & set(_UNUSABLE_IN_NAMES)):
        raise InvalidMessage(
            f"nvcc cannot compile a file named {main!r}, because of {' '.join(bad)}.",
            hint="Rename the file.",
            path="$.spec.main",
        )
    return main


def _arch_flags(spec: JobSpec, archs: Sequence[str], nvcc: Nvcc) -> list[str]:
    if _SETS_NATIVE.search(" ".join(spec.compile_flags)):
        raise InvalidMessage(
            "-arch=native means nothing here: the compiler may run without a GPU.",
            hint="Leave it out to compile for the executor's own GPU, or name one, such as sm_90.",
            path="$.spec.compile_flags",
        )
    if any(_SETS_ARCH.match(flag) for flag in spec.compile_flags):
        return []
    if unknown := [arch for arch in archs if not nvcc.supports(arch)]:
        known = ", ".join(sorted(nvcc.codes, key=lambda code: int(re.sub(r"\D", "", code))))
        raise InvalidMessage(
            f"{nvcc.tool} cannot compile for {', '.join(unknown)}.",
            hint=f"It knows {known}, and compute_XX for each.",
            path="$.spec.archs",
        )
    if len(archs) == 1:
        return [f"-arch={archs[0]}"]
    return [f"-gencode=arch=compute_{arch.partition('_')[2]},code={arch}" for arch in dict.fromkeys(archs)]


def _host_compiler(asked: str) -> Tool:
    family, dash, version = asked.partition("-")
    name = {"gcc": "g++", "clang": "clang++"}.get(family, family) + dash + version
    if not name.startswith(("g++", "clang++")):
        raise InvalidMessage(
            f"{asked!r} is not a compiler that nvcc can use; there are g++ and clang++.", path="$.spec.compiler"
        )
    tool = find_tool(name)
    if tool is None:
        raise InvalidMessage(
            f"The compiler {name} is not installed on this executor.",
            hint="Leave it out to use g++.",
            path="$.spec.compiler",
        )
    return tool


def _refuse_shared_runtime(spec: JobSpec) -> None:
    if _SETS_SHARED_RUNTIME.search(" ".join(spec.compile_flags)):
        raise InvalidMessage(
            "This executor's CUDA compiler comes from PyPI, without a shared runtime to link with.",
            hint="Leave -cudart shared out: the runtime is then linked statically.",
            path="$.spec.compile_flags",
        )
