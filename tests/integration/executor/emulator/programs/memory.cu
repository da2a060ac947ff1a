// Device, pinned, managed and registered memory; copies and fills of one to three dimensions; symbols; pools.
#include "expect.h"

__device__ int device_numbers[4] = {1, 2, 3, 4};
__constant__ float constants[2];
__managed__ int managed_number = 5;

static cudaMemoryType type_of(const void *memory) {
    cudaPointerAttributes found;
    OK(cudaPointerGetAttributes(&found, memory));
    return found.type;
}

static void kinds() {
    int *device, *pinned, on_stack;
    OK(cudaMalloc(&device, 1024));
    OK(cudaMallocHost(&pinned, 1024));
    IS((uintptr_t)device % 256, 0u);
    IS(type_of(device), cudaMemoryTypeDevice);
    IS(type_of(pinned), cudaMemoryTypeHost);
    IS(type_of(&on_stack), cudaMemoryTypeUnregistered);
    IS(type_of(&managed_number), cudaMemoryTypeManaged);

    size_t free_bytes, total_bytes;
    OK(cudaMemGetInfo(&free_bytes, &total_bytes));
    IS(free_bytes < total_bytes, true);
    void *too_large;
    FAILS(cudaMalloc(&too_large, size_t(1) << 50), cudaErrorMemoryAllocation);

    int *managed;
    OK(cudaMallocManaged(&managed, 4000));
    for (int i = 0; i < 1000; i++) managed[i] = i;
    OK(cudaMemPrefetchAsync(managed, 4000, {cudaMemLocationTypeDevice, 0}, 0));
    add<<<4, 256>>>(managed, 1000, 1);
    OK(cudaDeviceSynchronize());
    IS(managed[999], 1000);
    OK(cudaFree(managed));

    std::vector<int> registered(100, 1);
    int *seen_by_device;
    OK(cudaHostRegister(registered.data(), 400, cudaHostRegisterDefault));
    OK(cudaHostGetDevicePointer(&seen_by_device, registered.data(), 0));
    add<<<1, 128>>>(seen_by_device, 100, 5);
    OK(cudaDeviceSynchronize());
    IS(registered[99], 6);
    OK(cudaHostUnregister(registered.data()));
    FAILS(cudaHostUnregister(registered.data()), cudaErrorHostMemoryNotRegistered);

    OK(cudaFree(device));
    OK(cudaFree(nullptr));
    OK(cudaFreeHost(pinned));
}

static void copies() {
    std::vector<char> from(1000), to(1000);
    for (int i = 0; i < 1000; i++) from[i] = i % 101;
    char *rows;
    size_t pitch;
    OK(cudaMallocPitch(&rows, &pitch, 100, 10));
    OK(cudaMemcpy2D(rows, pitch, from.data(), 100, 100, 10, cudaMemcpyHostToDevice));
    OK(cudaMemcpy2D(to.data(), 100, rows, pitch, 100, 10, cudaMemcpyDeviceToHost));
    IS(from == to, true);
    OK(cudaMemset2D(rows, pitch, 7, 50, 10));
    OK(cudaMemcpy2D(to.data(), 100, rows, pitch, 100, 10, cudaMemcpyDeviceToHost));
    IS(to[949], 7);
    IS(to[950], from[950]);

    cudaPitchedPtr box;
    OK(cudaMalloc3D(&box, make_cudaExtent(20, 5, 4)));
    cudaMemcpy3DParms there = {}, back = {};
    there.srcPtr = make_cudaPitchedPtr(from.data(), 20, 20, 5);
    back.dstPtr = make_cudaPitchedPtr(to.data(), 20, 20, 5);
    there.dstPtr = back.srcPtr = box;
    there.extent = back.extent = make_cudaExtent(20, 5, 4);
    there.kind = cudaMemcpyHostToDevice;
    back.kind = cudaMemcpyDeviceToHost;
    memset(to.data(), 0, 1000);
    OK(cudaMemcpy3D(&there));
    OK(cudaMemcpy3D(&back));
    IS(memcmp(from.data(), to.data(), 400), 0);
    OK(cudaMemset3D(box, 3, make_cudaExtent(20, 5, 3)));
    OK(cudaMemcpy3D(&back));
    IS(to[299], 3);
    IS(to[300], from[300]);
    FAILS(cudaMemcpy2D(to.data(), 10, rows, pitch, 20, 2, cudaMemcpyDeviceToHost), cudaErrorInvalidPitchValue);
}

static void symbols() {
    int numbers[4], nine = 9;
    void *address;
    size_t bytes;
    OK(cudaMemcpyFromSymbol(numbers, device_numbers, sizeof numbers));
    IS(numbers[3], 4);
    OK(cudaMemcpyToSymbol(device_numbers, &nine, sizeof nine, 2 * sizeof nine));
    OK(cudaGetSymbolAddress(&address, device_numbers));
    OK(cudaMemcpy(numbers, address, sizeof numbers, cudaMemcpyDeviceToHost));
    IS(numbers[1], 2);
    IS(numbers[2], 9);
    OK(cudaGetSymbolSize(&bytes, constants));
    IS(bytes, 8u);
    OK(cudaGetSymbolAddress(&address, managed_number));
    IS(address == &managed_number, true);
    FAILS(cudaMemcpyToSymbol(device_numbers, numbers, 16, 4), cudaErrorInvalidValue);
    FAILS(cudaGetSymbolSize(&bytes, &nine), cudaErrorInvalidSymbol);
}

static void pools() {
    cudaStream_t stream;
    cudaMemPool_t pool;
    char *memory;
    uint64_t threshold = 12345, found = 0;
    OK(cudaStreamCreate(&stream));
    OK(cudaMallocAsync(&memory, 4096, stream));
    OK(cudaMemsetAsync(memory, 1, 4096, stream));
    OK(cudaFreeAsync(memory, stream));
    OK(cudaDeviceGetDefaultMemPool(&pool, 0));
    OK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold));
    OK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &found));
    IS(found, threshold);
    OK(cudaStreamDestroy(stream));
}

int main() {
    kinds();
    copies();
    symbols();
    pools();
    puts("done");
}
