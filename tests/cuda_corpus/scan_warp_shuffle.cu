// Inclusive prefix sum of a block with __shfl_up_sync: scans within warps, then one warp scans the warps' sums.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__device__ long long warp_scan(long long value) {
    int lane = threadIdx.x & 31;
    for (int delta = 1; delta < 32; delta *= 2) {
        long long below = __shfl_up_sync(0xffffffff, value, delta);
        if (lane >= delta) value += below;
    }
    return value;
}

__global__ void scan(const long long* in, long long* out) {
    __shared__ long long sums[32];
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
    long long value = warp_scan(in[threadIdx.x]);
    if (lane == 31) sums[warp] = value;
    __syncthreads();
    if (warp == 0) {
        long long sum = warp_scan(lane < warps ? sums[lane] : 0);
        sums[lane] = sum;
    }
    __syncthreads();
    out[threadIdx.x] = value + (warp > 0 ? sums[warp - 1] : 0);
}

int main() {
    const int n = 1024;
    long long in[n], out[n], *d_in, *d_out, sum = 0;
    for (int i = 0; i < n; i++) in[i] = (i % 3 ? 1LL : -1LL) * i * 3000000000LL;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    scan<<<1, n>>>(d_in, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < n; i++) wrong += out[i] != (sum += in[i]);
    std::printf("last %lld, expected %lld, %d wrong\n", out[n - 1], sum, wrong);
    std::puts(wrong ? "FAIL scan differs" : "PASS");
    return wrong != 0;
}
