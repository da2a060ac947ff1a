// Asking for more memory than the device has: error 2, the pointer left alone, and the device still works afterwards.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void set(int* out) { *out = 11; }

int main() {
    size_t before = 0, after = 0, total = 0;
    CHECK(cudaMemGetInfo(&before, &total));
    void* huge = nullptr;
    cudaError_t error = cudaMalloc(&huge, total * 16 + (1ull << 40));
    cudaError_t last = cudaGetLastError();
    int *small, value = 0;
    CHECK(cudaMalloc(&small, sizeof(int)));
    set<<<1, 1>>>(small);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&value, small, sizeof value, cudaMemcpyDeviceToHost));
    CHECK(cudaFree(small));
    CHECK(cudaMemGetInfo(&after, &total));
    std::printf("%s, taken again: %s, value %d, pointer untouched: %s\n", cudaGetErrorName(error), cudaGetErrorName(last), value, huge ? "no" : "yes");
    bool right = error == cudaErrorMemoryAllocation && last == error && value == 11 && !huge && total >= before && after <= total;
    std::puts(right ? "PASS" : "FAIL memory errors misbehave");
    return !right;
}
