// Error handling: impossible launches and bad arguments are refused with CUDA's own codes, and peek differs from get.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void nothing(int* out) {
    if (out) *out = 1;
}

int failures = 0;

void expect(const char* what, cudaError_t error, cudaError_t wanted) {
    std::printf("%s: %s (%d)\n", what, cudaGetErrorName(error), (int)error);
    failures += error != wanted;
}

int main() {
    nothing<<<1, 2048>>>(nullptr);
    expect("2048 threads in a block, peeked", cudaPeekAtLastError(), cudaErrorInvalidConfiguration);
    expect("again, taken", cudaGetLastError(), cudaErrorInvalidConfiguration);
    expect("afterwards", cudaGetLastError(), cudaSuccess);
    nothing<<<0, 32>>>(nullptr);
    expect("no blocks", cudaGetLastError(), cudaErrorInvalidConfiguration);
    nothing<<<1, dim3(1, 1, 65)>>>(nullptr);
    expect("65 threads deep", cudaGetLastError(), cudaErrorInvalidConfiguration);
    nothing<<<dim3(1, 65536), 1>>>(nullptr);
    expect("65536 blocks high", cudaGetLastError(), cudaErrorInvalidConfiguration);
    nothing<<<1, 32, 1 << 20>>>(nullptr);
    expect("a mebibyte of shared memory", cudaGetLastError(), cudaErrorInvalidValue);
    expect("setting device 99", cudaSetDevice(99), cudaErrorInvalidDevice);
    expect("last error", cudaGetLastError(), cudaErrorInvalidDevice);
    expect("freeing null", cudaFree(nullptr), cudaSuccess);
    int value = 0, *device;
    CHECK(cudaMalloc(&device, sizeof value));
    expect("an unknown direction", cudaMemcpy(device, &value, sizeof value, (cudaMemcpyKind)17), cudaErrorInvalidMemcpyDirection);
    cudaGetLastError();
    expect("a null target", cudaMemcpy(nullptr, device, sizeof value, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
    cudaGetLastError();
    expect("nothing to copy", cudaMemcpy(device, &value, 0, cudaMemcpyHostToDevice), cudaSuccess);
    nothing<<<1, 1>>>(device);
    expect("a good launch after all that", cudaDeviceSynchronize(), cudaSuccess);
    CHECK(cudaMemcpy(&value, device, sizeof value, cudaMemcpyDeviceToHost));
    std::printf("value %d, error 2 reads: %s; error 700: %s\n", value, cudaGetErrorString(cudaErrorMemoryAllocation),
                cudaGetErrorName(cudaErrorIllegalAddress));
    bool right = !failures && value == 1 && !std::strcmp(cudaGetErrorString(cudaSuccess), "no error");
    std::puts(right ? "PASS" : "FAIL errors differ");
    return !right;
}
