// Reduction, style 5: a template unrolled over the block size; the last warp with __syncwarp, where old code used volatile.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

template <unsigned threads>
__device__ void last_warp(int* values, unsigned tid) {
    int sum = values[tid];
#pragma unroll
    for (unsigned half = 32; half > 0; half >>= 1) {
        if (threads >= 2 * half) {
            sum += values[tid + half];
            __syncwarp();
            values[tid] = sum;
            __syncwarp();
        }
    }
}

template <unsigned threads>
__global__ void reduce(int n, const int* in, int* partial) {
    __shared__ int values[threads < 64 ? 64 : threads];
    unsigned tid = threadIdx.x;
    int sum = 0;
    for (unsigned i = blockIdx.x * threads * 2 + tid; i < n; i += threads * 2 * gridDim.x) {
        sum += in[i];
        if (i + threads < n) sum += in[i + threads];
    }
    values[tid] = sum;
    if (threads < 64) values[tid + 32] = 0;
    __syncthreads();
    if (threads >= 256) {
        if (tid < 128) values[tid] += values[tid + 128];
        __syncthreads();
    }
    if (threads >= 128) {
        if (tid < 64) values[tid] += values[tid + 64];
        __syncthreads();
    }
    if (tid < 32) last_warp<threads>(values, tid);
    if (tid == 0) partial[blockIdx.x] = values[0];
}

template <unsigned threads>
int sum_with(int n, const int* d_in) {
    const int blocks = 5;
    int partial[blocks], *d_partial, sum = 0;
    CHECK(cudaMalloc(&d_partial, sizeof partial));
    reduce<threads><<<blocks, threads>>>(n, d_in, d_partial);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(partial, d_partial, sizeof partial, cudaMemcpyDeviceToHost));
    CHECK(cudaFree(d_partial));
    for (int value : partial) sum += value;
    return sum;
}

int main() {
    const int n = 7777;
    static int in[n];
    int expected = 0, *d_in;
    for (int i = 0; i < n; i++) expected += in[i] = (i * i) % 137 - 60;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    int with_64 = sum_with<64>(n, d_in), with_128 = sum_with<128>(n, d_in), with_256 = sum_with<256>(n, d_in);
    std::printf("expected %d, 64 threads %d, 128 threads %d, 256 threads %d\n", expected, with_64, with_128, with_256);
    bool right = with_64 == expected && with_128 == expected && with_256 == expected;
    std::puts(right ? "PASS" : "FAIL sums differ");
    return !right;
}
