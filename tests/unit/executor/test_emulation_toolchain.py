"""How programs are built and run for the emulation: commands and variables, nothing run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from telerun_executor.toolchains import emulated, toolchains
from telerun_executor.toolchains.cuda import CudaToolchain
from telerun_executor.toolchains.discovery import CudaTools, Nvcc, Tool
from telerun_executor.toolchains.emulation import Emulation
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import FileRef, JobSpec, Limits
from telerun_protocol.states import Check, Language

GCC = Tool("gcc", Path("/usr/bin/gcc"), "12.2.0")
NVCC = Nvcc(
    tool=Tool("nvcc", Path("/cuda/bin/nvcc"), "13.0.88"),
    codes=frozenset({"sm_80", "sm_90"}),
    archs=frozenset({"compute_80", "compute_90"}),
)
EMULATION = Emulation(runtime=Path("/cache/runtime"), python="/venv/bin/python", source=Path("/code"), host=GCC)
CUDA = CudaToolchain(CudaTools(nvcc=NVCC, host=Tool("g++", Path("/usr/bin/g++"), "12.2.0")), EMULATION)
JOB = Workspace(Path("/jobs/1"))
WHAT_RUNS = (
    "-gencode=arch=compute_80,code=compute_80",
    "--no-compress",
    "-cudart",
    "none",
    "-L/cache/runtime",
    "-lcudart",
)


def spec(language: Language = Language.CUDA, **fields: Any) -> JobSpec:
    name = {Language.CUDA: "cell.cu", Language.SHELL: "run.sh"}[language]
    return JobSpec(language=language, files=(FileRef(path=name, sha256="0" * 64, size_bytes=1),), **fields)


def nvcc_argv(**fields: Any) -> tuple[str, ...]:
    return CUDA.build_commands(spec(**fields), JOB, ("sm_80", "sm_90"))[0].argv


def test_only_what_runs_is_built_unless_more_is_to_be_seen() -> None:
    argv = nvcc_argv()
    assert argv[-len(WHAT_RUNS) :] == WHAT_RUNS
    assert "-lineinfo" in argv
    assert not any("sm_" in word for word in argv)
    assert "-gencode=arch=compute_90,code=sm_90" in nvcc_argv(asm=True)
    assert "-arch=sm_90" in CUDA.build_commands(spec(archs=("sm_90",)), JOB, ("sm_90",))[0].argv
    with_own = nvcc_argv(compile_flags=("-arch=sm_90", "-cudart", "static"), libraries=("m",))
    assert with_own.index("-arch=sm_90") < with_own.index("-lm") < with_own.index("none"), "ours come last"


def test_then_the_kernels_are_translated() -> None:
    _, translate = CUDA.build_commands(spec(checks=(Check.RACES, Check.LEAKS)), JOB, ())
    assert translate.argv == (
        *("/venv/bin/python", "-B", "-m", "telerun_executor.emulator.build", "program"),
        *("/jobs/1/build/program", "/jobs/1/build/kernels", "memory,init,barriers,races"),
    )
    assert translate.env["PYTHONPATH"] == "/code"


@pytest.mark.parametrize(
    ("checks", "words", "leaks"),
    [
        ((), "memory,init,barriers", None),
        ((Check.NONE,), "none", None),
        ((Check.LEAKS,), "memory,init,barriers", "1"),
        ((Check.RACES, Check.MEMORY), "memory,races", None),
        ((Check.RACES,), "memory,init,barriers,races", None),
    ],
)
def test_what_a_program_finds(checks: tuple[Check, ...], words: str, leaks: str | None) -> None:
    env = CUDA.run_command(spec(checks=checks, gpus=2, env={"LD_LIBRARY_PATH": "/mine"}), JOB).env
    assert env["TELERUN_EMULATOR_CHECKS"] == words
    assert env.get("TELERUN_EMULATOR_LEAKS") == leaks
    assert env["TELERUN_EMULATOR_DEVICES"] == "2"
    assert env["LD_LIBRARY_PATH"] == "/cache/runtime:/mine"
    assert "TELERUN_EMULATOR_MEMORY" not in env
    limited = CUDA.run_command(spec(limits=Limits(memory_bytes=1 << 30)), JOB).env
    assert limited["TELERUN_EMULATOR_MEMORY"] == str((1 << 30) - (256 << 20))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"compile_flags": ("-rdc=true",)}, "-rdc=true"),
        ({"compile_flags": ("-dlto",)}, "-dlto"),
        ({"libraries": ("cublas",)}, "cublas"),
        ({"compile_flags": ("-lcufftw",)}, "cufftw"),
    ],
)
def test_what_cannot_be_emulated_is_refused(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidMessage, match=f"{named}.* cannot be emulated"):
        nvcc_argv(**fields)
    nvcc_argv(compile_flags=("-rdc=false",), libraries=("m", "cudart"))


def test_scripts_and_projects_reach_nvcc_by_its_own_variable() -> None:
    plain = toolchains("/usr/bin/python3")
    chains = emulated(plain, EMULATION)
    assert set(chains) == {Language.CUDA, Language.PROJECT, Language.SHELL, Language.COMMAND}
    command = chains[Language.SHELL].run_command(spec(Language.SHELL, gpus=1, env={"NVCC_APPEND_FLAGS": "-O1"}), JOB)
    assert command.argv == plain[Language.SHELL].run_command(spec(Language.SHELL), JOB).argv
    assert command.env["NVCC_APPEND_FLAGS"] == f"-O1 -lineinfo {' '.join(WHAT_RUNS)}"
    assert command.env["LD_LIBRARY_PATH"] == "/cache/runtime"
