// Reduction, style 1: interleaved addressing with a divergent branch (tid % (2 * stride)).
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void reduce(int n, const int* in, int* partial) {
    extern __shared__ int values[];
    unsigned tid = threadIdx.x, i = blockIdx.x * blockDim.x + tid;
    values[tid] = i < n ? in[i] : 0;
    __syncthreads();
    for (unsigned stride = 1; stride < blockDim.x; stride *= 2) {
        if (tid % (2 * stride) == 0) values[tid] += values[tid + stride];
        __syncthreads();
    }
    if (tid == 0) partial[blockIdx.x] = values[0];
}

int main() {
    const int n = 5000, threads = 128, blocks = (n + threads - 1) / threads;
    static int in[n], partial[blocks];
    long long expected = 0, sum = 0;
    for (int i = 0; i < n; i++) expected += in[i] = (i * 7919) % 1009 - 500;
    int *d_in, *d_partial;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_partial, sizeof partial));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    reduce<<<blocks, threads, threads * sizeof(int)>>>(n, d_in, d_partial);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(partial, d_partial, sizeof partial, cudaMemcpyDeviceToHost));
    for (int value : partial) sum += value;
    std::printf("sum %lld, expected %lld\n", sum, expected);
    std::puts(sum == expected ? "PASS" : "FAIL sums differ");
    return sum != expected;
}
