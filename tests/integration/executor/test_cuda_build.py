"""CUDA programs compiled by every real nvcc of this machine, and what is read from the files it keeps."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from telerun_executor.asm.cubin import Cubin
from telerun_executor.asm.cuda import shown_cubins
from telerun_executor.asm.sass import source_line
from telerun_executor.asm.source import MainSource
from telerun_executor.runners.base import Command
from telerun_executor.toolchains.base import Assembly
from telerun_executor.toolchains.cuda import CudaToolchain
from telerun_executor.toolchains.discovery import CudaTools, look_for_cuda_tools, wheel_folders
from telerun_executor.workspace import Workspace
from telerun_protocol.codec import decode, encode
from telerun_protocol.listing import AsmFunction, AsmListing, AsmView
from telerun_protocol.messages import FileRef, JobSpec, KernelResources
from telerun_protocol.states import Language

MATMUL = """\
#include <cstdio>
#include <vector>

constexpr int TILE = 16;

__device__ float multiply_add(float a, float b, float c) {
    return a * b + c;
}

__global__ void matmul(const float* a, const float* b, float* c, int n) {
    __shared__ float as[TILE][TILE], bs[TILE][TILE];
    int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
    float sum = 0;
    for (int tile = 0; tile < n; tile += TILE) {
        as[threadIdx.y][threadIdx.x] = a[row * n + tile + threadIdx.x];
        bs[threadIdx.y][threadIdx.x] = b[(tile + threadIdx.y) * n + column];
        __syncthreads();
        for (int k = 0; k < TILE; ++k)
            sum = multiply_add(as[threadIdx.y][k], bs[k][threadIdx.x], sum);
        __syncthreads();
    }
    c[row * n + column] = sum;
}

int main() {
    std::vector<float> host(256 * 256, 1.0f);
    matmul<<<dim3(16, 16), dim3(TILE, TILE)>>>(nullptr, nullptr, nullptr, 256);
    std::printf("%zu\\n", host.size());
}
"""

GROUPS = """\
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;
__device__ __noinline__ float square(float x) { return x * x; }
__global__ void reduce(const float* in, float* out, int n) {
    auto tile = cg::tiled_partition<32>(cg::this_thread_block());
    float v = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        v += square(in[i]);
    v = cg::reduce(tile, v, cg::plus<float>());
    if (tile.thread_rank() == 0) atomicAdd(out, v);
}
template <typename T> __global__ void fill(T* p, T value) { p[threadIdx.x] = value; }
int main() {
    reduce<<<1, 32>>>(nullptr, nullptr, 0);
    fill<<<1, 32>>>((double*)nullptr, 1.0);
}
"""

SPILLING = """\
__global__ void __launch_bounds__(1024, 2) spill(float* p) {
    float v[64];
#pragma unroll
    for (int i = 0; i < 64; ++i) v[i] = p[i * 1024 + threadIdx.x];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 64; ++i) p[i * 1024 + threadIdx.x] = v[i] * v[(i * 7) % 64] + v[63 - i];
}
int main() { spill<<<1, 1024>>>(nullptr); }
"""

TINY = "__global__ void tiny(int* p) {\n    p[threadIdx.x] = 1;\n}\nint main() {\n    return 0;\n}\n"


def _all_tools() -> dict[str, CudaTools]:
    """Every distinct nvcc: a system's and the wheel's."""
    found = [look_for_cuda_tools({"PATH": "/usr/bin:/bin"})]
    found += [look_for_cuda_tools({"NVCC": str(folder / "bin" / "nvcc")}) for folder in wheel_folders()]
    return {str(tools.nvcc.tool): tools for tools in found if tools.nvcc and tools.host}


ALL_TOOLS = _all_tools()
NEWEST = max(ALL_TOOLS.values(), key=lambda tools: tools.nvcc.tool.number if tools.nvcc else (), default=None)

pytestmark = pytest.mark.skipif(not ALL_TOOLS, reason="no nvcc: pip install 'telerun-magic[cuda]'")


@dataclass
class Build:
    """One build through the toolchain, its commands run as they are."""

    workspace: Workspace
    main: str
    exit_code: int
    log: bytes
    assembly: Assembly

    @property
    def text(self) -> str:
        return self.log.decode()

    @property
    def listing(self) -> AsmListing:
        assert self.assembly.listing
        return self.assembly.listing

    def view(self, kind: str, arch: str) -> AsmView:
        (view,) = [view for view in self.listing.views if (view.kind, view.arch) == (kind, arch)]
        return view

    def kernel(self, name: str, arch: str) -> KernelResources:
        (kernel,) = [k for k in self.assembly.kernels if k.arch == arch and k.kernel.startswith(f"{name}(")]
        return kernel


Builder = Callable[..., Build]


@pytest.fixture
def build(tmp_path: Path) -> Builder:
    def build(
        files: dict[str, str],
        archs: tuple[str, ...] = ("sm_90",),
        *,
        main: str = "cell.cu",
        tools: CudaTools | None = None,
        folder: str = "job",
        **more: Any,
    ) -> Build:
        toolchain = CudaToolchain(tools or NEWEST)
        workspace = Workspace(tmp_path / folder)
        for path in (workspace.src, workspace.build, workspace.out):
            path.mkdir(parents=True)
        for name, text in files.items():
            (workspace.src / name).parent.mkdir(parents=True, exist_ok=True)
            (workspace.src / name).write_text(text)
        spec = JobSpec(
            language=Language.CUDA,
            files=tuple(FileRef(path=name, sha256="0" * 64, size_bytes=0) for name in files),
            main=main,
            **{"asm": True, **more},
        )
        log = b""
        for command in toolchain.build_commands(spec, workspace, archs):
            exit_code, output = _run(command)
            log += output
        if exit_code == 0:
            for command in toolchain.asm_commands(spec, workspace, archs):
                assert _run(command) == (0, b"")
        return Build(workspace, main, exit_code, log, toolchain.read_assembly(spec, workspace, archs, log))

    return build


def _run(command: Command) -> tuple[int, bytes]:
    done = subprocess.run(command.argv, cwd=command.cwd, env=command.env, stdin=subprocess.DEVNULL, capture_output=True)
    if command.stdout_file:
        command.stdout_file.write_bytes(done.stdout)
    return done.returncode, done.stderr + (b"" if command.stdout_file else done.stdout)


def function(view: AsmView, name: str) -> AsmFunction:
    (found,) = [function for function in view.functions if re.match(rf"(\w+ )?{name}\b", function.name)]
    return found


def sources_of(function: AsmFunction, containing: str) -> set[int | None]:
    """The source lines of the lines of assembly with this text."""
    by_line = {line: r.source for r in function.ranges for line in range(r.first, r.last + 1)}
    return {by_line.get(index) for index, line in enumerate(function.text) if containing in line}


@pytest.mark.parametrize("flags", [(), ("other.cu",), ("-rdc=true",)], ids=["plain", "two sources", "relocatable"])
@pytest.mark.parametrize("tools", ALL_TOOLS.values(), ids=ALL_TOOLS.keys())
def test_what_is_not_to_run_needs_no_main(build: Builder, tools: CudaTools, flags: tuple[str, ...]) -> None:
    files = {"cell.cu": TINY.partition("int main")[0] + "int host(int x) { return x * 3; }\n", "other.cu": TINY}
    built = build(files, ("sm_80", "sm_90"), tools=tools, run=False, compile_flags=flags)
    assert built.exit_code == 0, built.text
    assert built.listing.notes == ()
    for kind, arch, name in (
        *((kind, arch, "tiny") for kind in ("ptx", "sass") for arch in ("sm_80", "sm_90")),
        ("host", platform.machine(), "host"),
    ):
        assert function(built.view(kind, arch), name).ranges
    if "-rdc=true" not in flags:  # then only linking tells what a kernel needs
        assert built.kernel("tiny", "sm_90").constant_bytes > 500


@pytest.mark.parametrize("tools", ALL_TOOLS.values(), ids=ALL_TOOLS.keys())
def test_two_architectures_at_once_give_all_views(build: Builder, tools: CudaTools) -> None:
    built = build({"cell.cu": MATMUL}, ("sm_80", "sm_90"), tools=tools)
    assert built.exit_code == 0, built.text
    assert built.workspace.program.stat().st_mode & 0o100
    assert [(view.kind, view.arch) for view in built.listing.views[:4]] == [
        ("ptx", "sm_80"),
        ("ptx", "sm_90"),
        ("sass", "sm_80"),
        ("sass", "sm_90"),
    ]
    assert [view.kind for view in built.listing.views[4:]] == ["host"]
    assert [file.name for file in built.assembly.files] == [
        "cell.sm_80.ptx",
        "cell.sm_90.ptx",
        "cell.sm_80.cubin",
        "cell.sm_80.sass",
        "cell.sm_90.cubin",
        "cell.sm_90.sass",
        "cell.host.s",
    ]
    assert {view.artifact for view in built.listing.views} == {
        f".telerun/asm/{file.name}" for file in built.assembly.files if not file.name.endswith(".cubin")
    }
    assert built.listing.notes == ()
    assert built.listing.source[9].startswith("__global__ void matmul")
    assert decode(encode(built.listing), AsmListing) == built.listing
    for arch in ("sm_80", "sm_90"):
        kernel = built.kernel("matmul", arch)
        assert kernel.symbol == "_Z6matmulPKfS0_Pfi"
        assert kernel.registers > 8
        assert kernel.shared_bytes == 2 * 16 * 16 * 4
        assert kernel.constant_bytes > 28
        assert kernel.barriers == 1
        assert kernel.spill_store_bytes == 0


@pytest.mark.parametrize("tools", ALL_TOOLS.values(), ids=ALL_TOOLS.keys())
def test_instructions_lead_to_their_lines(build: Builder, tools: CudaTools) -> None:
    built = build({"cell.cu": MATMUL}, tools=tools, folder="a folder")
    sass = function(built.view("sass", "sm_90"), "matmul")
    assert sources_of(sass, "LDG.E") == {15, 16}
    assert sources_of(sass, "BAR.SYNC") <= {17, 20}
    assert sources_of(sass, "FFMA") == {7}  # inlined, and yet it is the helper's line
    assert sources_of(sass, "STG.E") == {22}
    assert not any("/* 0x" in line for line in sass.text)
    raw = {file.name: file.path.read_text() for file in built.assembly.files if file.name.endswith((".sass", ".s"))}
    assert "/* 0x" in raw["cell.sm_90.sass"]
    ptx = function(built.view("ptx", "sm_90"), "matmul")
    assert sources_of(ptx, "ld.global") == {15, 16}
    assert sources_of(ptx, "fma.rn.f32") == {7}
    assert sources_of(ptx, "st.global") == {22}
    host = function(built.view("host", built.listing.views[-1].arch), "main")
    assert 28 in sources_of(host, "call")
    assert [f.name for f in built.listing.views[-1].functions if "matmul" in f.name] == []  # nvcc's launch stub
    assert "fatbinData:" not in raw["cell.host.s"]
    assert "main:" in raw["cell.host.s"]
    for view in built.listing.views:
        for listed in view.functions:
            assert all(0 <= r.first <= r.last < len(listed.text) for r in listed.ranges)
            assert all(1 <= r.source <= len(built.listing.source) for r in listed.ranges)


@pytest.mark.parametrize("tools", ALL_TOOLS.values(), ids=ALL_TOOLS.keys())
def test_line_table_agrees_with_nvdisasm(build: Builder, tools: CudaTools) -> None:
    """nvdisasm -gi prints the chain of inlined calls wherever the innermost line changes."""
    assert tools.nvdisasm
    # sm_75 has the older form of relocations; one nvcc that proves it is enough.
    archs = ("sm_90",) if tools is NEWEST and len(ALL_TOOLS) > 1 else ("sm_75", "sm_90")
    built = build({"cell.cu": GROUPS}, archs, tools=tools)
    assert built.exit_code == 0, built.text
    main = MainSource(path=built.main, workspace=built.workspace)
    compared = 0
    for arch, path in shown_cubins(built.main, built.workspace).items():
        table = Cubin.read(path).lines()
        _, text = _run(
            Command(argv=(str(tools.nvdisasm.path), "-c", "-gi", "-ndf", str(path)), cwd=built.workspace.build)
        )
        printed = _printed_chains(text.decode())
        longest = max(len(chain) for _, chain in printed)
        assert longest >= 4
        sass = {f.symbol: f for f in built.view("sass", arch).functions}
        for (section, address), chain in printed:
            assert table.chain(section, address) == chain
            line = source_line(chain, main)
            assert sources_of(sass[section], f"/*{address:04x}*/") in ({line}, set())  # set(): padding
            compared += 1
    assert compared > 20
    names = [f.name for f in built.view("sass", "sm_90").functions]
    assert names == ["reduce(float const*, float*, int)", "void fill<double>(double*, double)"]
    assert {"(module)", "square(float)"} < {f.name for f in built.view("ptx", "sm_90").functions}


def _printed_chains(text: str) -> list[tuple[tuple[str, int], list[tuple[str, int]]]]:
    found, section, chain = [], "", list[tuple[str, int]]()
    for line in text.splitlines():
        if match := re.match(r"\s*\.section\s+\.text\.(\S+?),", line):
            section, chain = match[1], []
        elif match := re.match(r'\s*//## File "([^"]+)", line (\d+)', line):
            chain.append((match[1], int(match[2])))
        elif (match := re.match(r"\s*/\*([0-9a-f]{4,})\*/", line)) and chain:
            found.append(((section, int(match[1], 16)), chain))
            chain = []
    return found


def test_spills_are_told(build: Builder) -> None:
    kernel = build({"cell.cu": SPILLING}, asm=False).kernel("spill", "sm_90")
    assert kernel.registers == 32
    assert kernel.spill_store_bytes > 0
    assert kernel.spill_load_bytes > 0
    assert kernel.stack_bytes > 0


def test_without_asm_nothing_is_kept(build: Builder) -> None:
    built = build({"cell.cu": TINY}, asm=False)
    assert built.assembly.listing is None
    assert built.assembly.files == ()
    assert [kernel.kernel for kernel in built.assembly.kernels] == ["tiny(int*)"]
    assert [path.name for path in built.workspace.build.iterdir()] == ["program"]


@pytest.mark.parametrize("asm", [False, True])
def test_errors_name_the_file_and_line(build: Builder, asm: bool) -> None:
    built = build({"cell.cu": "__global__ void f(int* p) {\n    p[0] = nothing;\n}\nint main() {}\n"}, asm=asm)
    assert built.exit_code != 0
    assert re.search(r'^cell\.cu\(2\): error: identifier "nothing" is undefined$', built.text, re.MULTILINE)
    assert built.assembly.kernels == ()


def test_headers_of_the_job_are_found(build: Builder) -> None:
    built = build(
        {
            "kernels/scale.cuh": "#pragma once\n__device__ inline float scaled(float x) {\n    return 3.5f * x;\n}\n",
            "app/main.cu": '#include "kernels/scale.cuh"\n#include "local.h"\n__global__ void run(float* p) {\n'
            "    p[threadIdx.x] = scaled(p[threadIdx.x]);\n}\nint main() { return LOCAL; }\n",
            "app/local.h": "#define LOCAL 0\n",
        },
        main="app/main.cu",
    )
    assert built.exit_code == 0, built.text
    assert built.listing.file == "app/main.cu"
    assert {file.name for file in built.assembly.files} >= {"main.sm_90.ptx", "main.sm_90.sass", "main.host.s"}
    sass = function(built.view("sass", "sm_90"), "run")
    assert sources_of(sass, "FMUL") == {4}  # of the header, inlined into line 4 of the main file


@pytest.mark.parametrize("name", ["my cell.cu", "it's; a & b.cu", "ünï [x]*.cu", "-dash.cu", "kernel.txt"])
def test_awkward_names_work(build: Builder, name: str) -> None:
    built = build({name: TINY}, main=name, folder="a folder")
    assert built.exit_code == 0, built.text
    stem = name.rpartition(".")[0]
    assert f"{stem}.sm_90.sass" in [file.name for file in built.assembly.files]
    for view in built.listing.views:
        assert view.kind == "host" or sources_of(function(view, "tiny"), "ST" if view.kind == "sass" else "st.") == {2}


def test_variants_and_plain_ptx(build: Builder) -> None:
    built = build({"cell.cu": TINY}, ("sm_90a", "compute_80"))
    assert built.exit_code == 0, built.text
    assert {(view.kind, view.arch) for view in built.listing.views} >= {
        ("ptx", "sm_90a"),
        ("sass", "sm_90a"),
        ("ptx", "sm_80"),
    }
    assert built.listing.notes == ()


def test_relocatable_device_code_shows_what_was_linked(build: Builder) -> None:
    files = {
        "cell.cu": "extern __device__ int twice(int);\n"
        "__global__ void f(int* p) {\n    *p = twice(*p);\n}\nint main() {}\n",
        "other.cu": "__device__ int twice(int x) {\n    return 2 * x;\n}\n",
    }
    built = build(files, compile_flags=("-rdc=true", "other.cu"))
    assert built.exit_code == 0, built.text
    sass = built.view("sass", "sm_90")
    assert "f(int*)" in [f.name for f in sass.functions]
    assert {r.source for f in sass.functions if f.name == "f(int*)" for r in f.ranges} >= {3}


def test_damaged_files_are_notes_not_crashes(build: Builder) -> None:
    built = build({"cell.cu": TINY})
    for path in built.workspace.build.iterdir():
        if path.suffix in (".cubin", ".ptx", ".s", ".txt"):
            path.write_bytes(path.read_bytes()[:700])
    spec = JobSpec(language=Language.CUDA, files=(FileRef(path="cell.cu", sha256="0" * 64, size_bytes=0),), asm=True)
    assembly = CudaToolchain(NEWEST).read_assembly(spec, built.workspace, ("sm_90",), b"\xff\xfe" + built.log)
    assert assembly.listing
    assert "sass" not in [view.kind for view in assembly.listing.views]
    assert "There is no SASS: the build left no machine code of a GPU." in assembly.listing.notes
