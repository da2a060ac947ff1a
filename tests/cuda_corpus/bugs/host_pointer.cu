// A kernel is handed a pointer to the host's memory.
#include <cstdio>
#include <cstdlib>
#include <vector>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void negate(int n, int* values) {
    int i = threadIdx.x;
    if (i < n) values[i] = -values[i];  // BUG memory of the host
}

int main() {
    std::vector<int> values(32, 5);
    negate<<<1, 32>>>(32, values.data());
    CHECK(cudaDeviceSynchronize());
    std::printf("first %d\n", values[0]);
}
