// Reduction, style 6: __shfl_down_sync within warps, one shared value per warp.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__inline__ __device__ double warp_sum(double value) {
    for (int offset = warpSize / 2; offset > 0; offset /= 2) value += __shfl_down_sync(0xffffffffu, value, offset);
    return value;
}

__global__ void reduce(int n, const double* in, double* sum) {
    __shared__ double sums[32];
    double value = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) value += in[i];
    value = warp_sum(value);
    if (threadIdx.x % warpSize == 0) sums[threadIdx.x / warpSize] = value;
    __syncthreads();
    if (threadIdx.x < warpSize) {
        value = threadIdx.x < blockDim.x / warpSize ? sums[threadIdx.x] : 0.0;
        value = warp_sum(value);
        if (threadIdx.x == 0) atomicAdd(sum, value);
    }
}

int main() {
    const int n = 9999;
    static double in[n];
    double expected = 0, sum = -1;
    for (int i = 0; i < n; i++) expected += in[i] = (i % 1000) * 0.125;
    double *d_in, *d_sum;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_sum, sizeof sum));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    CHECK(cudaMemset(d_sum, 0, sizeof sum));
    reduce<<<6, 160>>>(n, d_in, d_sum);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&sum, d_sum, sizeof sum, cudaMemcpyDeviceToHost));
    std::printf("sum %.3f, expected %.3f\n", sum, expected);
    std::puts(sum == expected ? "PASS" : "FAIL sums differ");
    return sum != expected;
}
