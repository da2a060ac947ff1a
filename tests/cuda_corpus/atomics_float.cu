// Atomic additions of float, double, half2 and bfloat162, and scopes: block, device and system.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

struct Sums {
    float single, block_scope, system_scope, exchanged;
    double wide;
    __half2 halves;
    __half half_alone[2];
    __nv_bfloat162 bfloats;
};

__global__ void add(Sums* sums, float* old_sum) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float old = atomicAdd(&sums->single, 0.5f * (i % 4));
    atomicAdd(old_sum, old >= 0 ? 1.0f : 0.0f);
    atomicAdd_block(&sums->block_scope, 1.0f);
    atomicAdd_system(&sums->system_scope, 2.0f);
    atomicExch(&sums->exchanged, 3.5f);
    atomicAdd(&sums->wide, i * 0.25);
    atomicAdd(&sums->halves, __floats2half2_rn(1.0f, 0.5f));
    atomicAdd(&sums->half_alone[i % 2], __float2half(1.0f));
    atomicAdd(&sums->bfloats, __floats2bfloat162_rn(1.0f, -1.0f));
}

int main() {
    Sums sums, *d_sums;
    float olds, *d_olds;
    CHECK(cudaMalloc(&d_sums, sizeof sums));
    CHECK(cudaMalloc(&d_olds, sizeof olds));
    CHECK(cudaMemset(d_sums, 0, sizeof sums));
    CHECK(cudaMemset(d_olds, 0, sizeof olds));
    const int n = 128;
    add<<<1, n>>>(d_sums, d_olds);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&sums, d_sums, sizeof sums, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(&olds, d_olds, sizeof olds, cudaMemcpyDeviceToHost));
    std::printf("float %g, block %g, system %g, exchanged %g, double %g, half2 %g %g, half %g %g, bfloat162 %g %g\n", sums.single,
                sums.block_scope, sums.system_scope, sums.exchanged, sums.wide, __low2float(sums.halves), __high2float(sums.halves),
                __half2float(sums.half_alone[0]), __half2float(sums.half_alone[1]), __low2float(sums.bfloats), __high2float(sums.bfloats));
    bool right = sums.single == 96 && sums.block_scope == n && sums.system_scope == 2 * n && sums.exchanged == 3.5f &&
                 sums.wide == 0.25 * n * (n - 1) / 2 && __low2float(sums.halves) == n && __high2float(sums.halves) == n / 2 &&
                 __half2float(sums.half_alone[0]) == n / 2 && __half2float(sums.half_alone[1]) == n / 2 &&
                 __low2float(sums.bfloats) == n && __high2float(sums.bfloats) == -n && olds == n;
    std::puts(right ? "PASS" : "FAIL sums differ");
    return !right;
}
