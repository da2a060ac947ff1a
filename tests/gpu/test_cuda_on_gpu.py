"""CUDA programs through the whole path onto a real GPU."""

from __future__ import annotations

import pynvml
from tests_processes import ExecutorProcess, ServerProcess

from telerun_protocol.client import file_ref
from telerun_protocol.messages import JobSpec
from telerun_protocol.states import Language, State, StreamId

SAXPY = b"""\
#include <cstdio>
#include <vector>

__global__ void saxpy(int n, float a, const float* x, float* y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i] + y[i];
}

int main() {
    const int n = 1 << 20;
    std::vector<float> host(n, 1.0f);
    float *x, *y;
    cudaMalloc(&x, n * sizeof(float));
    cudaMalloc(&y, n * sizeof(float));
    cudaMemcpy(x, host.data(), n * sizeof(float), cudaMemcpyHostToDevice);
    cudaMemcpy(y, host.data(), n * sizeof(float), cudaMemcpyHostToDevice);
    saxpy<<<(n + 255) / 256, 256>>>(n, 2.0f, x, y);
    cudaMemcpy(host.data(), y, n * sizeof(float), cudaMemcpyDeviceToHost);
    int wrong = 0;
    for (float value : host) wrong += value != 3.0f;
    int devices = 0;
    cudaGetDeviceCount(&devices);
    std::printf("%s, %d wrong, %d device(s) visible\\n", cudaGetErrorString(cudaGetLastError()), wrong, devices);
    return wrong != 0;
}
"""


async def test_saxpy_runs_on_the_leased_device_alone(
    telerun_server: ServerProcess, telerun_executor: ExecutorProcess
) -> None:
    source = file_ref("cell.cu", SAXPY)
    async with telerun_server.client() as client:
        job = await client.submit_with(
            JobSpec(language=Language.CUDA, files=(source,), asm=True), {source.sha256: SAXPY}
        )
        output = b"".join([f.payload async for f in client.log(job.id, follow=True) if f.stream == StreamId.STDOUT])
        job = await client.job(job.id)
    assert job.state is State.SUCCEEDED, job.result
    assert output == b"no error, 0 wrong, 1 device(s) visible\n"
    assert job.result is not None
    (device,) = job.result.devices
    gpus = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    assert device.id in [pynvml.nvmlDeviceGetUUID(gpu) for gpu in gpus]
    assert {kernel.arch for kernel in job.result.kernels} == {device.arch}
