// cuda::barrier and cuda::pipeline from libcu++: arrive and wait apart, and a two-stage pipeline of cuda::memcpy_async.
#include <cooperative_groups.h>
#include <cuda/barrier>
#include <cuda/pipeline>

#include <cstdio>
#include <cstdlib>

namespace cg = cooperative_groups;

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int threads = 64, tiles = 5;

#pragma nv_diag_suppress static_var_with_dynamic_init

__global__ void rotate(const int* in, int* out) {
    __shared__ int values[threads];
    __shared__ cuda::barrier<cuda::thread_scope_block> ready;
    if (threadIdx.x == 0) init(&ready, threads);
    __syncthreads();
    for (int round = 0; round < 3; round++) {
        values[threadIdx.x] = in[threadIdx.x] * (round + 1);
        auto token = ready.arrive();
        int mine = round * 1000;  // work that needs nobody else
        ready.wait(std::move(token));
        out[round * threads + threadIdx.x] = mine + values[(threadIdx.x + 7) % threads];
        ready.arrive_and_wait();
    }
}

__global__ void sum_tiles(const int* in, int* out) {
    __shared__ int buffers[2][threads];
    __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, 2> state;
    auto block = cg::this_thread_block();
    auto pipeline = cuda::make_pipeline(block, &state);
    int sum = 0;
    for (int fetched = 0, tile = 0; tile < tiles; tile++) {
        for (; fetched < tiles && fetched < tile + 2; fetched++) {
            pipeline.producer_acquire();
            cuda::memcpy_async(block, buffers[fetched % 2], in + fetched * threads, sizeof(int) * threads, pipeline);
            pipeline.producer_commit();
        }
        pipeline.consumer_wait();
        sum += buffers[tile % 2][threads - 1 - threadIdx.x];
        pipeline.consumer_release();
    }
    out[threadIdx.x] = sum;
}

int main() {
    int in[threads * tiles], rotated[3 * threads], sums[threads], *d_in, *d_rotated, *d_sums, wrong = 0;
    for (int i = 0; i < threads * tiles; i++) in[i] = i * 3 + 1;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_rotated, sizeof rotated));
    CHECK(cudaMalloc(&d_sums, sizeof sums));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    rotate<<<1, threads>>>(d_in, d_rotated);
    sum_tiles<<<1, threads>>>(d_in, d_sums);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(rotated, d_rotated, sizeof rotated, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(sums, d_sums, sizeof sums, cudaMemcpyDeviceToHost));
    for (int i = 0; i < 3 * threads; i++) {
        int round = i / threads;
        wrong += rotated[i] != round * 1000 + in[(i + 7) % threads] * (round + 1);
    }
    for (int i = 0; i < threads; i++) {
        int sum = 0;
        for (int tile = 0; tile < tiles; tile++) sum += in[tile * threads + threads - 1 - i];
        wrong += sums[i] != sum;
    }
    std::printf("rotated[70] = %d, sums[5] = %d, %d wrong\n", rotated[70], sums[5], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
