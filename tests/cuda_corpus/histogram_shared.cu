// Histogram of bytes: a private histogram per block in shared memory, merged with global atomics.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void count(int n, const unsigned char* in, unsigned* counts) {
    __shared__ unsigned mine[256];
    for (int bin = threadIdx.x; bin < 256; bin += blockDim.x) mine[bin] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&mine[in[i]], 1u);
    __syncthreads();
    for (int bin = threadIdx.x; bin < 256; bin += blockDim.x)
        if (mine[bin]) atomicAdd(&counts[bin], mine[bin]);
}

int main() {
    const int n = 16384;
    static unsigned char in[n];
    unsigned counts[256], expected[256] = {}, seed = 12345, *d_counts;
    for (int i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        expected[in[i] = (unsigned char)((seed >> 24) & (seed >> 16))]++;
    }
    unsigned char* d_in;
    CHECK(cudaMalloc(&d_in, n));
    CHECK(cudaMalloc(&d_counts, sizeof counts));
    CHECK(cudaMemcpy(d_in, in, n, cudaMemcpyHostToDevice));
    CHECK(cudaMemset(d_counts, 0, sizeof counts));
    count<<<4, 192>>>(n, d_in, d_counts);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(counts, d_counts, sizeof counts, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int bin = 0; bin < 256; bin++) wrong += counts[bin] != expected[bin];
    std::printf("zeros %u, ones %u, %d wrong\n", counts[0], counts[1], wrong);
    std::puts(wrong ? "FAIL counts differ" : "PASS");
    return wrong != 0;
}
