// Reduction, style 4: the first addition while loading, half as many blocks, then a second launch over the partial sums.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void reduce(int n, const unsigned* in, unsigned* partial) {
    extern __shared__ unsigned values[];
    unsigned tid = threadIdx.x, i = blockIdx.x * blockDim.x * 2 + tid;
    values[tid] = (i < n ? in[i] : 0u) + (i + blockDim.x < n ? in[i + blockDim.x] : 0u);
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half >>= 1) {
        if (tid < half) values[tid] += values[tid + half];
        __syncthreads();
    }
    if (tid == 0) partial[blockIdx.x] = values[0];
}

int main() {
    const int n = 10000, threads = 64, blocks = (n + 2 * threads - 1) / (2 * threads);
    static unsigned in[n];
    unsigned expected = 0, sum;
    for (int i = 0; i < n; i++) expected += in[i] = i * 2654435761u;  // wraps around, as it does on the device
    unsigned *d_in, *d_partial, *d_sum;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_partial, blocks * sizeof(unsigned)));
    CHECK(cudaMalloc(&d_sum, sizeof(unsigned)));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    reduce<<<blocks, threads, threads * sizeof(unsigned)>>>(n, d_in, d_partial);
    reduce<<<1, 64, 64 * sizeof(unsigned)>>>(blocks, d_partial, d_sum);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&sum, d_sum, sizeof sum, cudaMemcpyDeviceToHost));
    std::printf("%d blocks, sum %u, expected %u\n", blocks, sum, expected);
    std::puts(sum == expected ? "PASS" : "FAIL sums differ");
    return sum != expected;
}
