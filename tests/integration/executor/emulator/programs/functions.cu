// Attributes, occupancy, limits, launch configurations, the device, and the order of printed output.
#include "expect.h"

__global__ void reverse(int *out) {
    extern __shared__ int room[];
    room[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = room[blockDim.x - 1 - threadIdx.x];
}

__global__ void __launch_bounds__(64) small() {}

__global__ void say() { printf("kernel %d %5.2f %s %% %lld %c\n", 7, 1.5, "text", -5000000000LL, 'x'); }

static void attributes(int *device) {
    cudaFuncAttributes found;
    int blocks, grid, block, value;
    OK(cudaFuncGetAttributes(&found, add));
    IS(found.maxThreadsPerBlock, 1024);
    OK(cudaFuncGetAttributes(&found, small));
    IS(found.maxThreadsPerBlock, 64);
    OK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, add, 256, 0));
    IS(blocks, 4);
    OK(cudaOccupancyMaxPotentialBlockSize(&grid, &block, add));
    IS(block, 1024);

    reverse<<<1, 64, 60000>>>(device);
    IS(cudaGetLastError(), cudaErrorInvalidValue);
    OK(cudaFuncSetAttribute(reverse, cudaFuncAttributeMaxDynamicSharedMemorySize, 100000));
    reverse<<<1, 64, 60000>>>(device);
    OK(cudaGetLastError());
    OK(cudaMemcpy(&value, device, sizeof value, cudaMemcpyDeviceToHost));
    IS(value, 63);
}

static void configurations(int *device) {
    small<<<1, 65>>>();
    IS(cudaGetLastError(), cudaErrorLaunchOutOfResources);
    small<<<0, 1>>>();
    IS(cudaGetLastError(), cudaErrorInvalidConfiguration);
    small<<<1, 1025>>>();
    IS(cudaGetLastError(), cudaErrorInvalidConfiguration);
    small<<<dim3(1, 65536), 1>>>();
    IS(cudaGetLastError(), cudaErrorInvalidConfiguration);
    void *arguments[] = {&device};
    IS(cudaLaunchCooperativeKernel(reverse, dim3(1000), dim3(1024), arguments, 4096), cudaErrorCooperativeLaunchTooLarge);
    cudaGetLastError();

    int value = 0;
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(1);
    config.blockDim = dim3(32);
    OK(cudaMemset(device, 0, 128));
    OK(cudaLaunchKernelEx(&config, add, device, 32, 2));
    OK(cudaMemcpy(&value, device + 31, sizeof value, cudaMemcpyDeviceToHost));
    IS(value, 2);
}

static void device_facts() {
    int value;
    size_t limit;
    cudaDeviceProp properties;
    OK(cudaGetDeviceProperties(&properties, 0));
    IS(strcmp(properties.name, "CPU emulation (compute_80)"), 0);
    IS(properties.major, 8);
    OK(cudaDeviceGetAttribute(&value, cudaDevAttrWarpSize, 0));
    IS(value, 32);
    OK(cudaGetDeviceCount(&value));
    IS(value, 1);
    FAILS(cudaSetDevice(1), cudaErrorInvalidDevice);
    FAILS(cudaGetDeviceProperties(&properties, -1), cudaErrorInvalidDevice);
    OK(cudaDeviceSetLimit(cudaLimitStackSize, 4096));
    OK(cudaDeviceGetLimit(&limit, cudaLimitStackSize));
    IS(limit, 4096u);
    IS(strcmp(cudaGetErrorString(cudaErrorIllegalAddress), "an illegal memory access was encountered"), 0);
}

int main() {
    int *device;
    OK(cudaMalloc(&device, 4096));
    attributes(device);
    configurations(device);
    device_facts();
    say<<<1, 1>>>();
    puts("host");
    OK(cudaDeviceSynchronize());
    OK(cudaDeviceReset());
    puts("done");
}
