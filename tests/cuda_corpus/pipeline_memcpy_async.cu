// Asynchronous copies into shared memory with cooperative groups: two buffers, one copied while the other is used.
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>

#include <cstdio>
#include <cstdlib>

namespace cg = cooperative_groups;

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int threads = 64, tiles = 6;

__global__ void squares(const int* in, int* out) {
    __shared__ __align__(16) int buffers[2][threads];
    auto block = cg::this_thread_block();
    cg::memcpy_async(block, buffers[0], in, sizeof(int) * threads);
    for (int tile = 0; tile < tiles; tile++) {
        if (tile + 1 < tiles) {
            cg::memcpy_async(block, buffers[(tile + 1) % 2], in + (tile + 1) * threads, sizeof(int) * threads);
            cg::wait_prior<1>(block);
        } else {
            cg::wait(block);
        }
        int left = buffers[tile % 2][threadIdx.x], right = buffers[tile % 2][threads - 1 - threadIdx.x];
        out[tile * threads + threadIdx.x] = left * right;
        block.sync();
    }
}

int main() {
    const int n = threads * tiles;
    int in[n], out[n], *d_in, *d_out, wrong = 0;
    for (int i = 0; i < n; i++) in[i] = i % 50;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    squares<<<1, threads>>>(d_in, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) wrong += out[i] != in[i] * in[i / threads * threads + threads - 1 - i % threads];
    std::printf("out[100] = %d, %d wrong\n", out[100], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
