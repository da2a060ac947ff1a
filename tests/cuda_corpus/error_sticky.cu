// An illegal address ends the context: the error sticks to every later call, until cudaDeviceReset.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void write_to(int* where) { *where = 1; }

int main() {
    int *good, value = 0;
    CHECK(cudaMalloc(&good, sizeof(int)));
    write_to<<<1, 1>>>((int*)8);
    cudaError_t launch = cudaGetLastError(), first = cudaDeviceSynchronize(), taken = cudaGetLastError();
    cudaError_t again = cudaMemcpy(&value, good, sizeof value, cudaMemcpyDeviceToHost);
    void* more = nullptr;
    cudaError_t allocation = cudaMalloc(&more, 16);
    std::printf("launch: %s\nsynchronise: %s (%d)\nget: %s\ncopy: %s\nmalloc: %s\n", cudaGetErrorName(launch), cudaGetErrorName(first),
                (int)first, cudaGetErrorName(taken), cudaGetErrorName(again), cudaGetErrorName(allocation));
    bool right = launch == cudaSuccess && first == cudaErrorIllegalAddress && again == first && allocation == first;
    std::puts(right ? "PASS" : "FAIL the error did not stick");
    return !right;
}
