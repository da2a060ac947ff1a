// Pinned and mapped host memory: cudaHostAlloc, cudaHostRegister, device pointers of both, attributes of each kind.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void increment(int n, int* values) {
    int i = threadIdx.x;
    if (i < n) values[i]++;
}

const char* kind(const void* at) {
    cudaPointerAttributes attributes;
    if (cudaPointerGetAttributes(&attributes, at) != cudaSuccess) return "unknown";
    switch (attributes.type) {
        case cudaMemoryTypeDevice: return "device";
        case cudaMemoryTypeHost: return "host";
        case cudaMemoryTypeManaged: return "managed";
        default: return "unregistered";
    }
}

int main() {
    const int n = 64;
    int *mapped, *mapped_device, *registered_device, *plain = (int*)std::aligned_alloc(4096, 4096), *device, wrong = 0;
    CHECK(cudaHostAlloc(&mapped, n * sizeof(int), cudaHostAllocMapped | cudaHostAllocPortable));
    for (int i = 0; i < n; i++) mapped[i] = plain[i] = i * 2;
    CHECK(cudaHostGetDevicePointer(&mapped_device, mapped, 0));
    increment<<<1, n>>>(n, mapped_device);
    CHECK(cudaDeviceSynchronize());
    const char* before = kind(plain);
    CHECK(cudaHostRegister(plain, 4096, cudaHostRegisterMapped));
    CHECK(cudaHostGetDevicePointer(&registered_device, plain, 0));
    increment<<<1, n>>>(n, registered_device);
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaMalloc(&device, n * sizeof(int)));
    CHECK(cudaMemcpyAsync(device, mapped, n * sizeof(int), cudaMemcpyDefault, nullptr));
    increment<<<1, n>>>(n, device);
    CHECK(cudaMemcpy(mapped, device, n * sizeof(int), cudaMemcpyDefault));
    for (int i = 0; i < n; i++) wrong += mapped[i] != 2 * i + 2 || plain[i] != 2 * i + 1;
    std::printf("kinds: %s, %s, %s, %s; %d wrong\n", before, kind(plain), kind(mapped), kind(device), wrong);
    CHECK(cudaHostUnregister(plain));
    CHECK(cudaFreeHost(mapped));
    CHECK(cudaFree(device));
    std::free(plain);
    std::puts(wrong ? "FAIL values differ" : "PASS");
    return wrong != 0;
}
