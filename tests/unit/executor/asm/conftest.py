"""A real cubin with long chains of inlined calls."""

from __future__ import annotations

import subprocess

import pytest

from telerun_executor.toolchains.discovery import compiler_env, find_cuda_tools

SOURCE = """\
__device__ inline float step(float v, int by) { return v + __shfl_down_sync(~0u, v, by); }
__device__ inline float both(float v, int by) { return step(step(v, by), by / 2); }
__global__ void reduce(const float* in, float* out) {
    float sum = both(both(in[threadIdx.x], 16), 4);
    sum = step(sum, 1);
    if (threadIdx.x == 0) *out = sum;
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
