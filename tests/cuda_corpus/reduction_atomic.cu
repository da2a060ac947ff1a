// Reduction, style 8: one atomic per thread, into shared memory first, then one per block into global memory.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__device__ unsigned long long total;

__global__ void reduce(int n, const unsigned* in) {
    __shared__ unsigned long long block_total;
    if (threadIdx.x == 0) block_total = 0;
    __syncthreads();
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) atomicAdd(&block_total, (unsigned long long)in[i]);
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(&total, block_total);
}

int main() {
    const int n = 3000;
    static unsigned in[n];
    unsigned long long expected = 0, sum = 0;
    for (int i = 0; i < n; i++) expected += in[i] = 4000000000u + i;
    unsigned* d_in;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    reduce<<<(n + 127) / 128, 128>>>(n, d_in);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpyFromSymbol(&sum, total, sizeof sum));
    std::printf("sum %llu, expected %llu\n", sum, expected);
    std::puts(sum == expected ? "PASS" : "FAIL sums differ");
    return sum != expected;
}
