// Bitonic sort by hand: small strides in shared memory, large ones with one launch per step.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int n = 1024, threads = 128;

__device__ void order(int& a, int& b, bool ascending) {
    if ((a > b) == ascending) {
        int t = a;
        a = b;
        b = t;
    }
}

__global__ void step(int* values, int stride, int size) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, left = 2 * i - (i & (stride - 1));
    order(values[left], values[left + stride], (left & size) == 0);
}

__global__ void steps_in_shared(int* values, int first_size, int last_size) {
    __shared__ int local[2 * threads];
    int base = blockIdx.x * 2 * threads;
    local[threadIdx.x] = values[base + threadIdx.x];
    local[threadIdx.x + threads] = values[base + threadIdx.x + threads];
    for (int size = first_size; size <= last_size; size *= 2)
        for (int stride = min(size / 2, threads); stride > 0; stride /= 2) {
            __syncthreads();
            int left = 2 * threadIdx.x - (threadIdx.x & (stride - 1));
            order(local[left], local[left + stride], ((base + left) & size) == 0);
        }
    __syncthreads();
    values[base + threadIdx.x] = local[threadIdx.x];
    values[base + threadIdx.x + threads] = local[threadIdx.x + threads];
}

int main() {
    int values[n], expected[n], *d_values, wrong = 0;
    for (int i = 0; i < n; i++) expected[i] = values[i] = (i * 7393) % 5003 - 2500;
    CHECK(cudaMalloc(&d_values, sizeof values));
    CHECK(cudaMemcpy(d_values, values, sizeof values, cudaMemcpyHostToDevice));
    steps_in_shared<<<n / (2 * threads), threads>>>(d_values, 2, 2 * threads);
    for (int size = 4 * threads; size <= n; size *= 2) {
        for (int stride = size / 2; stride > threads; stride /= 2) step<<<n / 2 / threads, threads>>>(d_values, stride, size);
        steps_in_shared<<<n / (2 * threads), threads>>>(d_values, size, size);
    }
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(values, d_values, sizeof values, cudaMemcpyDeviceToHost));
    std::sort(expected, expected + n);
    for (int i = 0; i < n; i++) wrong += values[i] != expected[i];
    std::printf("first %d, last %d, %d wrong\n", values[0], values[n - 1], wrong);
    std::puts(wrong ? "FAIL order differs" : "PASS");
    return wrong != 0;
}
