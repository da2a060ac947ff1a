// Writes one element past the end of an array: the guard says <= where it should say <.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void fill(int n, int* values) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= n) values[i] = i;  // BUG out-of-bounds
}

int main() {
    const int n = 1000;
    int *d_values, last = 0;
    CHECK(cudaMalloc(&d_values, n * sizeof(int)));
    fill<<<(n + 255) / 256, 256>>>(n, d_values);
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaMemcpy(&last, d_values + n - 1, sizeof last, cudaMemcpyDeviceToHost));
    std::printf("last %d\n", last);
}
