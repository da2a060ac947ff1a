// Reduction, style 2: interleaved addressing without divergence (strided index, bank conflicts).
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void reduce(int n, const float* in, float* partial) {
    __shared__ float values[256];
    unsigned tid = threadIdx.x, i = blockIdx.x * blockDim.x + tid;
    values[tid] = i < n ? in[i] : 0.0f;
    __syncthreads();
    for (unsigned stride = 1; stride < blockDim.x; stride *= 2) {
        unsigned index = 2 * stride * tid;
        if (index < blockDim.x) values[index] += values[index + stride];
        __syncthreads();
    }
    if (tid == 0) partial[blockIdx.x] = values[0];
}

int main() {
    const int n = 6000, threads = 256, blocks = (n + threads - 1) / threads;
    static float in[n], partial[blocks];
    double expected = 0, sum = 0;
    for (int i = 0; i < n; i++) expected += in[i] = (i % 64) * 0.25f;  // sums are exact in float
    float *d_in, *d_partial;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_partial, sizeof partial));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    reduce<<<blocks, threads>>>(n, d_in, d_partial);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(partial, d_partial, sizeof partial, cudaMemcpyDeviceToHost));
    for (float value : partial) sum += value;
    std::printf("sum %.2f, expected %.2f\n", sum, expected);
    std::puts(sum == expected ? "PASS" : "FAIL sums differ");
    return sum != expected;
}
