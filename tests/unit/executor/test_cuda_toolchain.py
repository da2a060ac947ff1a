"""Finding CUDA compilers, and the commands that are made from a spec, without running them."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from telerun_executor.toolchains.cuda import CudaToolchain
from telerun_executor.toolchains.discovery import (
    CudaTools,
    Nvcc,
    Tool,
    find_cuda_tools,
    find_tool,
    look_for_cuda_tools,
    wheel_folders,
)
from telerun_executor.workspace import Workspace
from telerun_protocol.errors import InvalidMessage
from telerun_protocol.messages import FileRef, JobSpec
from telerun_protocol.states import Language, StreamId

SYSTEM = Nvcc(
    tool=Tool("nvcc", Path("/opt/cuda/bin/nvcc"), "13.0.88"),
    codes=frozenset({"sm_80", "sm_90", "sm_100"}),
    archs=frozenset({"compute_80", "compute_90", "compute_100"}),
)
HOST = Tool("g++", Path("/usr/bin/g++"), "12.2.0")
DISASSEMBLER = Tool("nvdisasm", Path("/opt/cuda/bin/nvdisasm"), "13.4.92")
TOOLS = CudaTools(nvcc=SYSTEM, host=HOST, nvdisasm=DISASSEMBLER)
WORKSPACE = Workspace(Path("/jobs/1"))

needs_nvcc = pytest.mark.skipif(find_cuda_tools().nvcc is None, reason=find_cuda_tools().problem)


def spec(main: str = "cell.cu", **more: Any) -> JobSpec:
    return JobSpec(language=Language.CUDA, files=(FileRef(path=main, sha256="0" * 64, size_bytes=1),), **more)


def argv(*archs: str, tools: CudaTools = TOOLS, main: str = "cell.cu", **more: Any) -> tuple[str, ...]:
    (command,) = CudaToolchain(tools).build_commands(spec(main, **more), WORKSPACE, archs or ("sm_90",))
    return command.argv


def refusal(*archs: str, **more: Any) -> InvalidMessage:
    with pytest.raises(InvalidMessage) as caught:
        argv(*archs, **more)
    return caught.value


def test_one_architecture() -> None:
    (command,) = CudaToolchain(TOOLS).build_commands(spec(), WORKSPACE, ("sm_90",))
    assert command.argv == (
        *("/opt/cuda/bin/nvcc", "-lineinfo", "--resource-usage", "-I.", "-O3", "-arch=sm_90"),
        *("-o", "/jobs/1/build/program", "cell.cu"),
    )
    assert command.cwd == WORKSPACE.src
    assert (command.stdout, command.stderr) == (StreamId.COMPILE, StreamId.COMPILE)
    assert command.env["PATH"].startswith("/opt/cuda/bin:/usr/bin:")


def test_several_architectures() -> None:
    flags = argv("sm_80", "sm_90a", "compute_90")
    assert [flag for flag in flags if flag.startswith("-gencode")] == [
        "-gencode=arch=compute_80,code=sm_80",
        "-gencode=arch=compute_90a,code=sm_90a",
        "-gencode=arch=compute_90,code=compute_90",
    ]
    assert "--threads=3" in flags
    (spaced,) = CudaToolchain(TOOLS).build_commands(spec(), Workspace(Path("/my jobs/1")), ("sm_80", "sm_90"))
    assert not any(flag.startswith("--threads") for flag in spaced.argv)  # they fail with a space in TMPDIR


def test_what_the_spec_asks_for() -> None:
    flags = argv(compile_flags=("-O1", "-DX=a b"), std="c++20", libraries=("cublas", "m"))
    assert "-O3" not in flags
    assert flags[-5:] == ("-o", "/jobs/1/build/program", "cell.cu", "-lcublas", "-lm")
    assert {"-O1", "-DX=a b", "-std=c++20"} <= set(flags)


@pytest.mark.parametrize(
    "flags",
    [("-Xptxas", "-v"), ("-Xptxas=-v",), ("--ptxas-options=-O3,-v",), ("--resource-usage",), ("-O2", "-res-usage")],
)
def test_the_table_of_resources_is_shown_to_who_asks(flags: tuple[str, ...]) -> None:
    toolchain = CudaToolchain(TOOLS)
    assert toolchain.hidden_lines(spec(compile_flags=flags)) is None
    assert toolchain.hidden_lines(spec(compile_flags=("-Xptxas=-O3", "-DX=-v"))) is not None


@pytest.mark.parametrize("flag", ["-arch=sm_80", "-gencode=arch=compute_80,code=sm_80", "--gpu-architecture=sm_80"])
def test_an_architecture_in_the_flags_is_the_only_one(flag: str) -> None:
    assert "-arch=sm_90" not in argv("sm_90", compile_flags=(flag,))


def test_debugging_is_not_optimised() -> None:
    assert "-O3" not in argv(compile_flags=("-G",))


def test_asm_keeps_what_the_same_call_makes() -> None:
    flags = argv(asm=True)
    assert {"--keep", "--keep-dir=/jobs/1/build", "-Xcompiler=-g1,-save-temps=obj"} <= set(flags)
    assert "--keep" not in argv()


def test_names_that_are_no_cuda_to_nvcc() -> None:
    assert argv(main="kernel.txt")[-3:] == ("-x", "cu", "kernel.txt")
    assert argv(main="-dash.cu")[-1] == "./-dash.cu"


@pytest.mark.parametrize("character", list('$`"\\,'))
def test_names_that_nvcc_cannot_take_are_refused(character: str) -> None:
    error = refusal(main=f"a{character}b.cu")
    assert "Rename" in str(error)
    assert error.path == "$.spec.main"


def test_unknown_architectures_are_refused_with_the_known_ones() -> None:
    error = refusal("sm_90", "sm_75", "compute_130")
    assert error.message == "nvcc 13.0.88 cannot compile for sm_75, compute_130."
    assert error.hint == "It knows sm_80, sm_90, sm_100, and compute_XX for each."
    assert "sm_80a" in refusal("sm_80a").message


@pytest.mark.parametrize("flags", [("-arch=native",), ("-arch", "native"), ("--gpu-architecture=native",)])
def test_native_is_refused(flags: tuple[str, ...]) -> None:
    assert "-arch=native" in refusal(compile_flags=flags).message


@pytest.mark.parametrize("flags", [("-cudart=shared",), ("-cudart", "shared"), ("--cudart=shared",)])
def test_a_wheel_has_no_shared_runtime_to_link(tmp_path: Path, flags: tuple[str, ...]) -> None:
    folder = tmp_path / "nvidia" / "cu13"
    (folder / "lib").mkdir(parents=True)
    tool = Tool("nvcc", folder / "bin" / "nvcc", "13.0.88")
    wheel = CudaTools(nvcc=Nvcc(tool=tool, codes=SYSTEM.codes, archs=SYSTEM.archs), host=HOST)
    assert f"-L{folder / 'lib'}" in argv(tools=wheel)
    assert "PyPI" in refusal(tools=wheel, compile_flags=flags).message
    assert argv(compile_flags=flags)  # a system's has one


def test_the_host_compiler_of_the_spec() -> None:
    assert f"-ccbin={find_tool('g++').path}" not in argv(compiler="g++")  # type: ignore[union-attr]
    assert "not installed" in refusal(compiler="g++-999").message


def test_nothing_is_disassembled_without_asm_or_nvdisasm(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.build.mkdir()
    assert CudaToolchain(TOOLS).asm_commands(spec(), workspace, ("sm_90",)) == ()
    assert CudaToolchain(TOOLS).asm_commands(spec(asm=True), workspace, ("sm_90",)) == ()  # the build left nothing
    without = CudaTools(nvcc=SYSTEM, host=HOST)
    assert CudaToolchain(without).asm_commands(spec(asm=True), workspace, ("sm_90",)) == ()


def test_what_is_found_is_told() -> None:
    info = CudaToolchain(TOOLS).info()
    assert info is not None
    assert info.version == "nvcc 13.0.88, g++ 12.2.0"
    nothing = CudaToolchain(CudaTools(problem="There is no CUDA compiler: install it."))
    assert nothing.info() is None
    with pytest.raises(InvalidMessage, match="There is no CUDA compiler"):
        nothing.build_commands(spec(), WORKSPACE, ("sm_90",))


# ------------------------------------------------------------------------------------------------ real compilers


@needs_nvcc
def test_a_wrapper_and_a_link_lead_to_the_real_one(tmp_path: Path) -> None:
    """nvcc finds its parts beside the path that it is called by."""
    nvcc = find_cuda_tools().nvcc
    assert nvcc is not None
    wrapper = tmp_path / "wrapped" / "nvcc"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec "{nvcc.tool.path}" "$@"\n')
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    link = tmp_path / "linked" / "nvcc"
    link.parent.mkdir()
    link.symlink_to(nvcc.tool.path)
    for path in (wrapper, link):
        for environ in ({"NVCC": str(path)}, {"PATH": f"{path.parent}:/usr/bin:/bin"}):
            found = look_for_cuda_tools(environ).nvcc
            assert found is not None
            assert found.tool.path == nvcc.tool.path.resolve()
            assert found.codes == nvcc.codes


@needs_nvcc
def test_a_named_compiler_that_does_not_work_is_not_replaced(tmp_path: Path) -> None:
    for wrong in ("/bin/true", str(tmp_path / "nvcc")):
        tools = look_for_cuda_tools({"NVCC": wrong, "PATH": "/usr/bin:/bin"})
        assert tools.nvcc is None
        assert tools.problem == f"NVCC names {wrong}, which is no CUDA compiler that runs here: correct it."
        assert CudaToolchain(tools).info() is None


@pytest.mark.skipif(not wheel_folders(), reason="no CUDA toolkit from PyPI")
def test_cuda_home_comes_before_path() -> None:
    folder = wheel_folders()[0]
    found = look_for_cuda_tools({"CUDA_HOME": str(folder)}).nvcc
    assert found is not None
    assert found.is_wheel
    assert found.top == folder.resolve()
    assert found.supports("sm_90a")
    assert not found.supports("sm_10")


@needs_nvcc
def test_the_newest_disassembler_is_taken() -> None:
    tools = find_cuda_tools()
    if tools.nvdisasm is None:
        pytest.skip("no nvdisasm")
    others = [find_tool(str(folder / "bin" / "nvdisasm")) for folder in wheel_folders()]
    assert tools.nvdisasm.number == max(tool.number for tool in (*others, tools.nvdisasm) if tool)


def test_tools_that_do_not_run_are_not_found(tmp_path: Path) -> None:
    broken = tmp_path / "g++"
    broken.write_text("not a program")
    broken.chmod(0o755)
    assert find_tool(str(broken)) is None
    assert find_tool("no-such-compiler") is None
