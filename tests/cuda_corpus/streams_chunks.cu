// Copy, compute, copy in chunks over several streams; events between streams; a host callback; mapped memory.
#include <cstdio>
#include <cuda_profiler_api.h>
#include <vector>

__global__ void work(const float* in, float* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = sqrtf(in[i]) * 2 + 1;
}

__global__ void total(const float* x, int n, double* sum) {
    double s = 0;
    for (int i = threadIdx.x; i < n; i += 32) s += x[i];
    for (int o = 16; o; o >>= 1) s += __shfl_down_sync(~0u, s, o);
    if (!threadIdx.x) *sum = s;
}

static void CUDART_CB note(void* p) {
    ++*(int*)p;
}

int main() {
    const int n = 1 << 14, chunks = 4, c = n / chunks;
    float *h, *r, *d, *o;
    cudaStream_t s[chunks], last;
    cudaEvent_t done[chunks], t0, t1;
    int calls = 0, wrong = 0, lo, hi;
    cudaHostAlloc(&h, n * 4, cudaHostAllocDefault);
    cudaHostAlloc(&r, n * 4, cudaHostAllocPortable);
    cudaMalloc(&d, n * 4);
    cudaMalloc(&o, n * 4);
    for (int i = 0; i < n; i++) h[i] = i;
    cudaDeviceGetStreamPriorityRange(&lo, &hi);
    cudaStreamCreateWithPriority(&last, cudaStreamNonBlocking, hi);
    cudaEventCreate(&t0);
    cudaEventCreateWithFlags(&t1, cudaEventBlockingSync);
    cudaProfilerStart();
    cudaEventRecord(t0, 0);
    for (int k = 0; k < chunks; k++) {
        cudaStreamCreateWithFlags(&s[k], cudaStreamNonBlocking);
        cudaEventCreateWithFlags(&done[k], cudaEventDisableTiming);
        cudaMemcpyAsync(d + k * c, h + k * c, c * 4, cudaMemcpyHostToDevice, s[k]);
        work<<<c / 256, 256, 0, s[k]>>>(d + k * c, o + k * c, c);
        cudaMemcpyAsync(r + k * c, o + k * c, c * 4, cudaMemcpyDeviceToHost, s[k]);
        cudaLaunchHostFunc(s[k], note, &calls);
        cudaEventRecord(done[k], s[k]);
        cudaStreamWaitEvent(last, done[k]);
    }
    double *sum, *mapped;
    cudaHostAlloc(&sum, 8, cudaHostAllocMapped);
    wrong += cudaHostGetDevicePointer(&mapped, sum, 0) != cudaSuccess;
    total<<<1, 32, 0, last>>>(o, n, mapped);
    cudaStreamSynchronize(last);
    cudaEventRecord(t1, 0);
    cudaEventSynchronize(t1);
    float ms;
    wrong += cudaEventElapsedTime(&ms, t0, t1) != cudaSuccess || ms < 0;
    cudaProfilerStop();
    double want = 0;
    for (int i = 0; i < n; i++) {
        want += r[i];
        wrong += fabsf(r[i] - (sqrtf(i) * 2 + 1)) > 1e-3f;
    }
    wrong += calls != chunks;
    wrong += fabs(*sum - want) > 1e-3 * want;
    for (int k = 0; k < chunks; k++) {
        wrong += cudaStreamQuery(s[k]) != cudaSuccess || cudaEventQuery(done[k]) != cudaSuccess;
        int pr;
        wrong += cudaStreamGetPriority(s[k], &pr) != cudaSuccess;
        cudaStreamDestroy(s[k]);
        cudaEventDestroy(done[k]);
    }
    work<<<1, 32, 0, cudaStreamPerThread>>>(d, o, 32);
    work<<<1, 32, 0, cudaStreamLegacy>>>(d, o, 32);
    wrong += cudaStreamSynchronize(cudaStreamPerThread) != cudaSuccess;
    printf("%d wrong %s\n", wrong, cudaGetErrorString(cudaGetLastError()));
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
