"""CUDA jobs on a machine without a GPU: built, run and reported as emulated, through the real server and executor."""

from __future__ import annotations

from typing import Any

import pytest

from telerun_protocol.codec import decode
from telerun_protocol.errors import NoSuchExecutor
from telerun_protocol.listing import LISTING_PATH, AsmListing
from telerun_protocol.messages import EMULATION_NOTE
from telerun_protocol.states import Check, Language, Phase, Reason, State

pytestmark = pytest.mark.usefixtures("telerun_executor")
PROGRAM = r"""
#include <cstdio>
__global__ void twice(int* values) { values[threadIdx.x] *= 2; }
int main(int argc, char** argv) {
    int host[32], devices = 0;
    for (int i = 0; i < 32; ++i) host[i] = i;
    int* values;
    cudaMalloc(&values, sizeof(host));
    cudaMemcpy(values, host, sizeof(host), cudaMemcpyHostToDevice);
    twice<<<1, 32>>>(values);
    cudaMemcpy(host, values, sizeof(host), cudaMemcpyDeviceToHost);
    cudaGetDeviceCount(&devices);
    std::printf("%d %d %s\n", host[31], devices, argc > 1 ? argv[1] : "");
}
"""
MAKEFILE = "main: main.cu\n\tnvcc -arch=sm_90 -o main main.cu\n"
UNSUPPORTED = """
__global__ void k(cudaTextureObject_t t, float* out) {
    out[0] = texCubemap<float>(t, 0.5f, 0.5f, 0.5f);
}
int main() { k<<<1, 1>>>(0, nullptr); }
"""


async def test_a_cell_with_assembly(user: Any) -> None:
    done = await user.run(
        Language.CUDA, PROGRAM, device="emulated", gpus=2, asm=True, archs=("sm_90",), args=("hello",)
    )
    assert done.job.state is State.SUCCEEDED, (done.result, done.compile_log)
    assert done.stdout == b"62 2 hello\n"
    assert done.result.emulated
    assert [device.name for device in done.result.devices] == ["CPU emulation (compute_80)"] * 2
    assert done.result.notes[0] == EMULATION_NOTE
    listing = decode(await done.file(LISTING_PATH), AsmListing)
    assert {(view.kind, view.arch) for view in listing.views} >= {("sass", "sm_90"), ("ptx", "sm_90")}
    assert done.result.kernels[0].registers > 0


async def test_a_project_that_calls_nvcc_itself(user: Any) -> None:
    files = {"main.cu": PROGRAM, "Makefile": MAKEFILE}
    done = await user.run(Language.PROJECT, files, device="emulated", args=("made",))
    assert done.job.state is State.SUCCEEDED, (done.result, done.compile_log, done.stderr)
    assert done.stdout == b"62 1 made\n"
    assert done.result.emulated


async def test_only_who_may_is_emulated(user: Any) -> None:
    for wish in ({"labels": ("sm_10",)}, {"device": "tpu"}, {"gpus": 64}, {"labels": ("emulated", "sm_80")}):
        with pytest.raises(NoSuchExecutor):
            await user.submit(Language.CUDA, PROGRAM, emulate=True, **wish)


async def test_what_cannot_be_emulated_is_said_where_it_stands(user: Any) -> None:
    done = await user.run(Language.CUDA, UNSUPPORTED, device="emulated")
    assert done.result.reason is Reason.COMPILE_ERROR
    (found,) = [one for one in done.result.diagnostics if "unsupported PTX" in one.message]
    assert (found.file, found.line) == ("main.cu", 3)
    assert [step.phase for step in done.result.steps] == [Phase.COMPILE, Phase.COMPILE]
    refused = await user.run(Language.CUDA, PROGRAM, device="emulated", compile_flags=("-rdc=true",))
    assert refused.result.reason is Reason.BAD_SPEC
    assert "cannot be emulated" in refused.result.message


async def test_a_race_is_found_when_it_is_looked_for(user: Any) -> None:
    source = """
    __global__ void race(int* out) {
        __shared__ int value;
        value = threadIdx.x;
        __syncthreads();
        out[threadIdx.x] = value;
    }
    int main() {
        int* out;
        cudaMalloc(&out, 64 * sizeof(int));
        race<<<1, 64>>>(out);
        return cudaDeviceSynchronize() != cudaSuccess;
    }
    """
    done = await user.run(Language.CUDA, source, device="emulated", checks=(Check.RACES,))
    (found, *_) = done.result.diagnostics
    assert "race" in found.message
    assert (found.file, found.line) == ("main.cu", 4)
