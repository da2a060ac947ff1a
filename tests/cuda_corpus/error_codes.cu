// Mistakes in calls and launches, each with CUDA's own code; the last one stays.
#include <cstdio>

#define EXPECT(call, code)                                                        \
    do {                                                                          \
        cudaError_t e_ = (call);                                                  \
        if (e_ != (code)) {                                                       \
            printf("line %d: %s is %s\n", __LINE__, #call, cudaGetErrorName(e_)); \
            wrong++;                                                              \
        }                                                                         \
        cudaGetLastError();                                                       \
    } while (0)

__global__ void fill(int* p, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) p[i] = i;
}

__global__ void wild(int* p) {
    p[1ll << 40] = 1;
}

void never() {}

int main() {
    int wrong = 0, *d, h[4];
    cudaEvent_t e1, e2;
    float ms;
    cudaDeviceProp p;
    int v;
    void* q;
    EXPECT(cudaMalloc(&d, 1024), cudaSuccess);
    EXPECT(cudaMalloc(&q, (size_t)1 << 60), cudaErrorMemoryAllocation);
    EXPECT(cudaMalloc((void**)nullptr, 4), cudaErrorInvalidValue);
    EXPECT(cudaMemcpy(d, h, 16, (cudaMemcpyKind)17), cudaErrorInvalidMemcpyDirection);
    EXPECT(cudaMemset(nullptr, 0, 16), cudaErrorInvalidValue);
    EXPECT(cudaSetDevice(99), cudaErrorInvalidDevice);
    EXPECT(cudaGetDeviceProperties(&p, 99), cudaErrorInvalidDevice);
    EXPECT(cudaDeviceGetAttribute(&v, (cudaDeviceAttr)100000, 0), cudaErrorInvalidValue);
    EXPECT(cudaFree((void*)h), cudaErrorInvalidValue);
    EXPECT(cudaFreeHost(d), cudaErrorInvalidValue);
    fill<<<1, 2048>>>(d, 4);
    EXPECT(cudaGetLastError(), cudaErrorInvalidConfiguration);
    fill<<<1, dim3(8, 8, 65)>>>(d, 4);
    EXPECT(cudaPeekAtLastError(), cudaErrorInvalidConfiguration);
    fill<<<1, 0>>>(d, 4);
    EXPECT(cudaGetLastError(), cudaErrorInvalidConfiguration);
    fill<<<1, 32, 1 << 20>>>(d, 4);
    EXPECT(cudaGetLastError(), cudaErrorInvalidValue);
    void* args[] = {&d, &v};
    EXPECT(cudaLaunchKernel((void*)never, dim3(1), dim3(1), args, 0, 0), cudaErrorInvalidDeviceFunction);
    cudaFuncAttributes a;
    EXPECT(cudaFuncGetAttributes(&a, (void*)never), cudaErrorInvalidDeviceFunction);
    EXPECT(cudaEventCreate(&e1), cudaSuccess);
    EXPECT(cudaEventCreate(&e2), cudaSuccess);
    EXPECT(cudaEventElapsedTime(&ms, e1, e2), cudaErrorInvalidResourceHandle);
    EXPECT(cudaEventCreateWithFlags(&e2, cudaEventDisableTiming), cudaSuccess);
    EXPECT(cudaEventRecord(e1), cudaSuccess);
    EXPECT(cudaEventRecord(e2), cudaSuccess);
    EXPECT(cudaEventElapsedTime(&ms, e1, e2), cudaErrorInvalidResourceHandle);
    EXPECT(cudaMemcpyToSymbol(h, h, 4), cudaErrorInvalidSymbol);
    EXPECT(cudaHostUnregister(h), cudaErrorHostMemoryNotRegistered);
    fill<<<1, 256>>>(d, 256);
    EXPECT(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT(cudaMemcpy(h, d + 252, 16, cudaMemcpyDeviceToHost), cudaSuccess);
    wrong += h[3] != 255;
    wild<<<1, 1>>>(d);
    EXPECT(cudaGetLastError(), cudaSuccess);
    EXPECT(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
    EXPECT(cudaMalloc(&q, 4), cudaErrorIllegalAddress);
    EXPECT(cudaMemcpy(h, d, 16, cudaMemcpyDeviceToHost), cudaErrorIllegalAddress);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
