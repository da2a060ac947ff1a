// Stream-ordered allocation: cudaMallocAsync from the default pool and from a pool of our own, attributes and trimming.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void fill(int n, int* out, int value) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = value - i;
}

int main() {
    const int n = 5000;
    static int host[n];
    int supported = 0, wrong = 0, *values;
    CHECK(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, 0));
    cudaStream_t stream;
    CHECK(cudaStreamCreate(&stream));
    for (int round = 0; round < 3; round++) {
        CHECK(cudaMallocAsync(&values, sizeof host, stream));
        fill<<<(n + 255) / 256, 256, 0, stream>>>(n, values, round);
        CHECK(cudaMemcpyAsync(host, values, sizeof host, cudaMemcpyDeviceToHost, stream));
        CHECK(cudaFreeAsync(values, stream));
        CHECK(cudaStreamSynchronize(stream));
        for (int i = 0; i < n; i++) wrong += host[i] != round - i;
    }
    cudaMemPool_t pool, standard;
    cudaMemPoolProps properties = {};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location.type = cudaMemLocationTypeDevice;
    properties.location.id = 0;
    CHECK(cudaMemPoolCreate(&pool, &properties));
    CHECK(cudaDeviceGetDefaultMemPool(&standard, 0));
    uint64_t threshold = 1 << 20, seen = 0;
    CHECK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold));
    CHECK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &seen));
    CHECK(cudaMallocFromPoolAsync(&values, sizeof host, pool, stream));
    fill<<<(n + 255) / 256, 256, 0, stream>>>(n, values, 9);
    CHECK(cudaMemcpyAsync(host, values, sizeof host, cudaMemcpyDeviceToHost, stream));
    CHECK(cudaStreamSynchronize(stream));
    for (int i = 0; i < n; i++) wrong += host[i] != 9 - i;
    CHECK(cudaFreeAsync(values, stream));
    CHECK(cudaStreamSynchronize(stream));
    CHECK(cudaMemPoolTrimTo(pool, 0));
    CHECK(cudaMemPoolDestroy(pool));
    CHECK(cudaStreamDestroy(stream));
    std::printf("pools supported: %d, threshold %llu, %d wrong\n", supported, (unsigned long long)seen, wrong);
    bool right = supported && !wrong && seen == threshold && pool != standard;
    std::puts(right ? "PASS" : "FAIL pools misbehave");
    return !right;
}
