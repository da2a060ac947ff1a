"""A real cubin with long chains of inlined calls."""

from __future__ import annotations

import subprocess

import pytest

from telerun_executor.toolchains.discovery import compiler_env, find_cuda_tools

SOURCE = """\
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;
__global__ void reduce(const float* in, float* out) {
    auto tile = cg::tiled_partition<32>(cg::this_thread_block());
    float sum = cg::reduce(tile, in[threadIdx.x], cg::plus<float>());
    if (tile.thread_rank() == 0) *out = sum;
}
__global__ void other(int* p) { p[threadIdx.x] = 1; }
"""


@pytest.fixture(scope="session")
def cubin(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    tools = find_cuda_tools()
    if tools.nvcc is None:
        pytest.skip(tools.problem)
    folder = tmp_path_factory.mktemp("cubin")
    (folder / "cell.cu").write_text(SOURCE)
    argv = [str(tools.nvcc.tool.path), "-arch=sm_90", "-lineinfo", "-cubin", "-o", "cell.cubin", "cell.cu"]
    subprocess.run(argv, cwd=folder, env=compiler_env(tools.nvcc.tool, tools.host), check=True, capture_output=True)
    return (folder / "cell.cubin").read_bytes()
