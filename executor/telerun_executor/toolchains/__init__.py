"""The languages this executor can serve."""

from __future__ import annotations

from collections.abc import Mapping

from telerun_executor.toolchains.base import Toolchain
from telerun_executor.toolchains.command import CommandToolchain
from telerun_executor.toolchains.cuda import CudaToolchain
from telerun_executor.toolchains.emulation import EmulatedToolchain, Emulation
from telerun_executor.toolchains.native import NativeToolchain
from telerun_executor.toolchains.project import ProjectToolchain
from telerun_executor.toolchains.python import PythonToolchain
from telerun_executor.toolchains.shell import ShellToolchain
from telerun_protocol.matching import EMULATED_LANGUAGES
from telerun_protocol.states import Language


def toolchains(python: str) -> Mapping[Language, Toolchain]:
    """Every language's toolchain, also of those that lack their compiler here."""
    known: tuple[Toolchain, ...] = (
        CudaToolchain(),
        NativeToolchain(Language.CPP),
        NativeToolchain(Language.C),
        PythonToolchain(python),
        ShellToolchain(),
        ProjectToolchain(),
        CommandToolchain(),
    )
    return {toolchain.language: toolchain for toolchain in known}


def emulated(plain: Mapping[Language, Toolchain], emulation: Emulation) -> Mapping[Language, Toolchain]:
    """Those of `matching.EMULATED_LANGUAGES`, for jobs whose GPU is emulated."""
    others = {
        language: EmulatedToolchain(plain[language], emulation) for language in EMULATED_LANGUAGES - {Language.CUDA}
    }
    return {**others, Language.CUDA: CudaToolchain(emulation=emulation)}
