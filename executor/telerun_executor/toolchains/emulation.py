"""How CUDA programs are built and run for the emulation on the CPU. Pure: from a spec to flags, commands and variables.

nvcc compiles as ever, but what runs is the PTX in the program: it is translated to C and compiled while the job is
built, and the program is linked with a stand-in for the CUDA runtime that loads the result. PTX for one architecture is
added to whatever else the job asks for, so that SASS can be shown, which then did not run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from telerun_executor.runners.base import Command
from telerun_executor.toolchains.base import Toolchain
from telerun_executor.toolchains.discovery import Tool, compiler_env
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import JobSpec, ToolchainInfo
from telerun_protocol.states import Check, StreamId

ARCH = 80
PTX = f"compute_{ARCH}"
NAME = f"CPU emulation ({PTX})"
BUILDER = "telerun_executor.emulator.build"
HOST_MEMORY_BYTES = 256 << 20  # of a program's memory, left for what is not device memory
CHECKED = (Check.MEMORY, Check.INIT, Check.BARRIERS)  # where a job does not say
_RELOCATABLE = re.compile(r"--?(rdc|relocatable-device-code)([= ]true)?$|-dc$|--device-c$|-dlto$|--dlink-time-opt\b.*")
_ONLY_ON_GPUS = re.compile(r"cublas(Lt)?|cufftw?|curand|cusparse|cusolver|cudnn|nccl|npp\w+|nvjpeg|cufile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulation:
    """Where the parts of the emulator are."""

    runtime: Path  # the folder of the stand-in libcudart
    python: str
    source: Path  # the folder that holds the package telerun_executor
    host: Tool  # the C compiler

    def check_flags(self, spec: JobSpec) -> None:
        """Raises InvalidMessage for what cannot be emulated."""
        for flag in spec.compile_flags:
            if _RELOCATABLE.fullmatch(flag):
                raise _not_emulated(f"Relocatable device code ({flag})", "$.spec.compile_flags")
        libraries = (*spec.libraries, *(flag[2:] for flag in spec.compile_flags if flag.startswith("-l")))
        for library in libraries:
            if _ONLY_ON_GPUS.fullmatch(library):
                raise _not_emulated(f"The library {library}", "$.spec.libraries")

    @property
    def compile_flags(self) -> tuple[str, ...]:
        """Come after all others: of an option that stands twice nvcc takes the last."""
        return (
            f"-gencode=arch={PTX},code={PTX}",
            "--no-compress",
            *("-cudart", "none"),
            f"-L{self.runtime}",
            "-lcudart",
        )

    def translate_command(self, spec: JobSpec, workspace: Workspace) -> Command:
        """Puts beside a program what it will load."""
        return Command(
            argv=(
                *(self.python, "-B", "-m", BUILDER, "program"),
                *(str(workspace.program), str(kernels(workspace)), _words(spec)),
            ),
            cwd=workspace.build,
            env={**compiler_env(self.host), "PYTHONPATH": str(self.source)},
            stdout=StreamId.COMPILE,
            stderr=StreamId.COMPILE,
        )

    def run_env(self, spec: JobSpec, workspace: Workspace) -> dict[str, str]:
        """For a program that was built with these flags."""
        more = {"TELERUN_EMULATOR_LEAKS": "1"} if Check.LEAKS in spec.checks else {}
        if limit := spec.limits.memory_bytes:  # cudaMalloc is to fail before the program is ended
            more["TELERUN_EMULATOR_MEMORY"] = str(max(limit - HOST_MEMORY_BYTES, limit // 2))
        return {
            "LD_LIBRARY_PATH": ":".join(filter(None, (str(self.runtime), spec.env.get("LD_LIBRARY_PATH")))),
            "TELERUN_EMULATOR_KERNELS": str(kernels(workspace)),
            "TELERUN_EMULATOR_CHECKS": _words(spec),
            "TELERUN_EMULATOR_SOURCES": f"{workspace.src}/",  # left out where files are named
            "TELERUN_EMULATOR_DEVICES": str(spec.gpus_wanted),
            "TELERUN_EMULATOR_PYTHON": self.python,
            "TELERUN_EMULATOR_PATH": str(self.source),
            **more,
        }

    def project_env(self, spec: JobSpec, workspace: Workspace) -> dict[str, str]:
        """For what calls nvcc by itself, and then what it built: nvcc adds these flags to those it is given."""
        flags = shlex.join(("-lineinfo", *self.compile_flags))
        given = spec.env.get("NVCC_APPEND_FLAGS")
        return {
            **self.run_env(spec, workspace),
            "NVCC_APPEND_FLAGS": f"{given} {flags}" if given else flags,
        }


class EmulatedToolchain(Toolchain):
    """Another language's toolchain, whose commands may call nvcc themselves and run what came of it."""

    def __init__(self, plain: Toolchain, emulation: Emulation) -> None:
        self.language = plain.language
        self._plain = plain
        self._emulation = emulation

    def info(self) -> ToolchainInfo | None:
        return self._plain.info()

    def missing(self) -> str:
        return self._plain.missing()

    def prepare(self, spec: JobSpec, workspace: Workspace) -> None:
        self._plain.prepare(spec, workspace)

    def build_commands(self, spec: JobSpec, workspace: Workspace, archs: Sequence[str]) -> tuple[Command, ...]:
        commands = self._plain.build_commands(spec, workspace, archs)
        return tuple(self._emulated(command, spec, workspace) for command in commands)

    def run_command(self, spec: JobSpec, workspace: Workspace) -> Command:
        return self._emulated(self._plain.run_command(spec, workspace), spec, workspace)

    def _emulated(self, command: Command, spec: JobSpec, workspace: Workspace) -> Command:
        return replace(command, env={**command.env, **self._emulation.project_env(spec, workspace)})


def kernels(workspace: Workspace) -> Path:
    """Where the translated kernels of a program are."""
    return workspace.build / "kernels"


def _words(spec: JobSpec) -> str:
    """Checks for the emulator. To ask for more than the usual ones leaves those on."""
    chosen = [check for check in spec.checks if check not in (Check.RACES, Check.LEAKS)] or CHECKED
    return ",".join((*chosen, *(check for check in spec.checks if check is Check.RACES)))


def _not_emulated(what: str, path: str) -> InvalidMessage:
    return InvalidMessage(
        f"{what} cannot be emulated on the CPU.",
        hint="Leave it out, or run the job on a GPU: --no-emulate waits for none that is emulated.",
        path=path,
    )
