// A persistent kernel that takes work from a queue; warp-aggregated atomics; a flag between blocks.
#include <cooperative_groups.h>
#include <cstdio>
#include <vector>

namespace cg = cooperative_groups;
__device__ int add_aggregated(int* counter) {
    auto g = cg::coalesced_threads();
    int base;
    if (g.thread_rank() == 0) base = atomicAdd(counter, g.size());
    return g.shfl(base, 0) + g.thread_rank();
}

__device__ __noinline__ unsigned who_is_here() {
    return __activemask();
}

__device__ int add_by_mask(int* counter) {
    unsigned active = who_is_here();
    int leader = __ffs(active) - 1, lane = threadIdx.x & 31, base;
    if (lane == leader) base = atomicAdd(counter, __popc(active));
    base = __shfl_sync(active, base, leader);
    return base + __popc(active & ((1u << lane) - 1));
}

__global__ void filter(const int* in, int n, int* out, int* count, int* out2, int* count2) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        if (in[i] % 3 == 0)
            out[add_aggregated(count)] = in[i];
        else if (in[i] % 7 == 0)
            out[add_by_mask(count)] = in[i];
        if (in[i] % 5 == 0) out2[add_by_mask(count2)] = in[i];
    }
}

__global__ void workers(const int* items, int n, int* next, unsigned long long* sum, int* by_block) {
    __shared__ int mine;
    for (;;) {
        if (threadIdx.x == 0) mine = atomicAdd(next, 1);
        __syncthreads();
        int item = mine;
        __syncthreads();
        if (item >= n) return;
        int steps = 0;
        for (long long x = items[item] + threadIdx.x; x > 1; x = x % 2 ? 3 * x + 1 : x / 2) steps++;
        atomicAdd(sum, (unsigned long long)steps);
        if (threadIdx.x == 0) atomicAdd(&by_block[blockIdx.x], 1);
    }
}

__global__ void hand_over(volatile int* flag, volatile int* data, int* got) {
    if (blockIdx.x == 0) {
        if (threadIdx.x == 0) {
            *data = 42;
            __threadfence();
            *flag = 1;
        }
    } else if (threadIdx.x == 0) {
        while (*flag == 0) {
        }
        __threadfence();
        *got = *data;
    }
}

int main() {
    const int n = 4000;
    std::vector<int> in(n);
    for (int i = 0; i < n; i++) in[i] = (i * 7919) % 10007;
    int *d, *out, *out2, *c;
    cudaMalloc(&d, n * 4);
    cudaMalloc(&out, n * 4);
    cudaMalloc(&out2, n * 4);
    cudaMallocManaged(&c, 64);
    for (int i = 0; i < 16; i++) c[i] = 0;
    cudaMemcpy(d, in.data(), n * 4, cudaMemcpyHostToDevice);
    filter<<<4, 128>>>(d, n, out, c, out2, c + 1);
    cudaDeviceSynchronize();
    long long want3 = 0, want5 = 0, n3 = 0, n5 = 0;
    for (int v : in) {
        if (v % 3 == 0 || v % 7 == 0) want3 += v, n3++;
        if (v % 5 == 0) want5 += v, n5++;
    }
    std::vector<int> r(n);
    cudaMemcpy(r.data(), out, c[0] * 4, cudaMemcpyDeviceToHost);
    for (int i = 0; i < c[0]; i++) want3 -= r[i];
    cudaMemcpy(r.data(), out2, c[1] * 4, cudaMemcpyDeviceToHost);
    for (int i = 0; i < c[1]; i++) want5 -= r[i];
    unsigned long long* sum;
    cudaMallocManaged(&sum, 8);
    *sum = 0;
    int* by;
    cudaMallocManaged(&by, 32 * 4);
    for (int i = 0; i < 32; i++) by[i] = 0;
    const int items = 100;
    workers<<<8, 32>>>(d, items, c + 2, sum, by);
    cudaDeviceSynchronize();
    unsigned long long want = 0;
    int done = 0;
    for (int i = 0; i < items; i++)
        for (int t = 0; t < 32; t++)
            for (long long x = in[i] + t; x > 1; x = x % 2 ? 3 * x + 1 : x / 2) want++;
    for (int i = 0; i < 8; i++) done += by[i];
    hand_over<<<2, 32>>>(c + 4, c + 5, c + 6);
    cudaDeviceSynchronize();
    printf("%d %d %llu %d %d %s\n", c[0], c[1], *sum, done, c[6], cudaGetErrorString(cudaGetLastError()));
    bool ok = c[0] == n3 && c[1] == n5 && !want3 && !want5 && *sum == want && done == items && c[6] == 42;
    std::puts(ok ? "PASS" : "FAIL results differ");
    return !ok;
}
