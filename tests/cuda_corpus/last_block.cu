// The last block to finish sums the partial sums of all: __threadfence and atomicInc, in one launch, twice over.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__device__ unsigned blocks_done = 0;

__device__ int block_sum(int value) {
    __shared__ int sums[128];
    sums[threadIdx.x] = value;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    int sum = sums[0];
    __syncthreads();
    return sum;
}

__global__ void sum(int n, const int* in, volatile int* partial, int* result) {
    __shared__ bool is_last;
    int value = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) value += in[i];
    int mine = block_sum(value);
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = mine;
        __threadfence();
        is_last = atomicInc(&blocks_done, gridDim.x - 1) == gridDim.x - 1;  // wraps to zero for the next launch
    }
    __syncthreads();
    if (!is_last) return;
    int all = block_sum(threadIdx.x < gridDim.x ? partial[threadIdx.x] : 0);
    if (threadIdx.x == 0) *result = all;
}

int main() {
    const int n = 6000, blocks = 12;
    static int in[n];
    int expected = 0, first, second, *d_in, *d_partial, *d_result;
    for (int i = 0; i < n; i++) expected += in[i] = (i * 17) % 301 - 150;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_partial, blocks * sizeof(int)));
    CHECK(cudaMalloc(&d_result, sizeof(int)));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    sum<<<blocks, 128>>>(n, d_in, d_partial, d_result);
    CHECK(cudaMemcpy(&first, d_result, sizeof first, cudaMemcpyDeviceToHost));
    CHECK(cudaMemset(d_result, 0, sizeof(int)));
    sum<<<blocks, 128>>>(n, d_in, d_partial, d_result);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&second, d_result, sizeof second, cudaMemcpyDeviceToHost));
    std::printf("sums %d and %d, expected %d\n", first, second, expected);
    bool right = first == expected && second == expected;
    std::puts(right ? "PASS" : "FAIL sums differ");
    return !right;
}
