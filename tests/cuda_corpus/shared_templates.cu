// Dynamic shared memory under templates: one extern array for several types, several arrays in one allocation, optin
// size.
#include <cstdio>
#include <vector>
#include <numeric>

template <class T>
struct SharedMemory {
    __device__ operator T*() {
        extern __shared__ int __smem[];
        return (T*)__smem;
    }
};

template <>
struct SharedMemory<double> {
    __device__ operator double*() {
        extern __shared__ double __smem_d[];
        return __smem_d;
    }
};

template <class T, unsigned blockSize>
__device__ void warpReduce(volatile T* s, unsigned tid) {
    if (blockSize >= 64) s[tid] = s[tid] + s[tid + 32];
    __syncwarp();
    if (blockSize >= 32) s[tid] = s[tid] + s[tid + 16];
    __syncwarp();
    s[tid] = s[tid] + s[tid + 8];
    __syncwarp();
    s[tid] = s[tid] + s[tid + 4];
    __syncwarp();
    s[tid] = s[tid] + s[tid + 2];
    __syncwarp();
    s[tid] = s[tid] + s[tid + 1];
}

template <class T, unsigned blockSize>
__global__ void reduce6(const T* in, T* out, unsigned n) {
    T* s = SharedMemory<T>();
    unsigned tid = threadIdx.x, i = blockIdx.x * blockSize * 2 + tid, gridSize = blockSize * 2 * gridDim.x;
    T mine = 0;
    while (i < n) {
        mine += in[i];
        if (i + blockSize < n) mine += in[i + blockSize];
        i += gridSize;
    }
    s[tid] = mine;
    __syncthreads();
    if (blockSize >= 256) {
        if (tid < 128) s[tid] += s[tid + 128];
        __syncthreads();
    }
    if (blockSize >= 128) {
        if (tid < 64) s[tid] += s[tid + 64];
        __syncthreads();
    }
    if (tid < 32) {
        T v = s[tid];
        if (blockSize >= 64) v += s[tid + 32];
        for (int o = 16; o; o /= 2) v += __shfl_down_sync(0xffffffff, v, o);
        if (!tid) out[blockIdx.x] = v;
    }
}

__global__ void several(int n, float* out) {
    extern __shared__ char raw[];
    float* f = (float*)raw;
    double* d = (double*)(raw + 16 * ((n * 4 + 15) / 16));
    short* h = (short*)(d + n);
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        f[i] = i;
        d[i] = i * 0.5;
        h[i] = -i;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += blockDim.x) out[i] = f[n - 1 - i] + (float)d[n - 1 - i] + h[n - 1 - i];
}

template <class T, unsigned B>
int test(int n) {
    std::vector<T> h(n);
    for (int i = 0; i < n; i++) h[i] = (T)(i % 17);
    T *d, *o;
    cudaMalloc(&d, n * sizeof(T));
    cudaMalloc(&o, 4 * sizeof(T));
    cudaMemcpy(d, h.data(), n * sizeof(T), cudaMemcpyHostToDevice);
    reduce6<T, B><<<4, B, B * sizeof(T)>>>(d, o, n);
    T r[4];
    cudaMemcpy(r, o, sizeof r, cudaMemcpyDeviceToHost);
    cudaFree(d);
    cudaFree(o);
    return r[0] + r[1] + r[2] + r[3] != std::accumulate(h.begin(), h.end(), (T)0);
}

int main() {
    int wrong = test<int, 256>(10000) + test<float, 128>(5000) + test<double, 64>(4097) + test<long long, 256>(3) +
                test<unsigned, 128>(9999);
    int n = 5000;
    size_t bytes = 16 * ((n * 4 + 15) / 16) + n * 8 + n * 2;
    float* o;
    cudaMallocManaged(&o, n * 4);
    several<<<1, 256, bytes>>>(n, o);
    wrong += cudaGetLastError() != cudaErrorInvalidValue;
    wrong += cudaFuncSetAttribute(several, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes) != cudaSuccess;
    several<<<1, 256, bytes>>>(n, o);
    wrong += cudaDeviceSynchronize() != cudaSuccess;
    for (int i = 0; i < n; i++) wrong += o[i] != (n - 1 - i) * 0.5f;
    printf("%d wrong\n", wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
