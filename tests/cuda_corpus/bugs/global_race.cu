// A race in global memory: a counter incremented without an atomic.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void count(int* counter) {
    *counter += 1;  // BUG data race
}

int main() {
    int counted = 0, *d_counter;
    CHECK(cudaMalloc(&d_counter, sizeof counted));
    CHECK(cudaMemset(d_counter, 0, sizeof counted));
    count<<<1, 64>>>(d_counter);
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaMemcpy(&counted, d_counter, sizeof counted, cudaMemcpyDeviceToHost));
    std::printf("counted %d\n", counted);
}
