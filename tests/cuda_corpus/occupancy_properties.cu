// Device properties and the occupancy calls: only relations that hold on every device are printed.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ __launch_bounds__(256) void kernel(float* out) {
    __shared__ float values[256];
    values[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[blockIdx.x * blockDim.x + threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
}

int main() {
    int devices = 0, device = -1, blocks = 0, grid = 0, block = 0, warp = 0, runtime = 0, driver = 0;
    cudaDeviceProp properties;
    cudaFuncAttributes attributes;
    CHECK(cudaGetDeviceCount(&devices));
    CHECK(cudaSetDevice(0));
    CHECK(cudaGetDevice(&device));
    CHECK(cudaGetDeviceProperties(&properties, 0));
    CHECK(cudaDeviceGetAttribute(&warp, cudaDevAttrWarpSize, 0));
    CHECK(cudaRuntimeGetVersion(&runtime));
    CHECK(cudaDriverGetVersion(&driver));
    CHECK(cudaFuncGetAttributes(&attributes, kernel));
    CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, 256, 0));
    CHECK(cudaOccupancyMaxPotentialBlockSize(&grid, &block, kernel, 0, 0));
    float out[512], *d_out;
    int wrong = 0;
    CHECK(cudaMalloc(&d_out, sizeof out));
    kernel<<<2, 256>>>(d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    for (int i = 0; i < 512; i++) wrong += out[i] != 255 - i % 256;
    bool named = properties.name[0] != 0, capable = properties.major >= 8, limits = properties.maxThreadsPerBlock == 1024;
    bool shared = attributes.sharedSizeBytes == 256 * sizeof(float), bounded = attributes.maxThreadsPerBlock == 256;
    bool fits = blocks >= 1 && blocks * 256 <= properties.maxThreadsPerMultiProcessor, proposed = block >= 32 && block <= 256 && block % 32 == 0 && grid >= 1;
    bool memory = properties.totalGlobalMem > (64u << 20) && properties.sharedMemPerBlock == 48 * 1024;
    std::printf("device %d, warp %d, named %d, capable %d, limits %d, shared %d, bounded %d, fits %d, proposed %d, memory %d, %d wrong\n", device,
                warp, named, capable, limits, shared, bounded, fits, proposed, memory, wrong);
    bool right = devices >= 1 && device == 0 && warp == 32 && properties.warpSize == 32 && named && capable && limits && shared && bounded && fits &&
                 proposed && memory && runtime >= 12000 && driver >= runtime / 1000 * 1000 && !wrong;
    std::puts(right ? "PASS" : "FAIL properties contradict each other");
    return !right;
}
