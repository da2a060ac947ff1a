// ldmatrix feeds mma.sync from shared memory, plain and transposed; a 16 x 8 x 32 product in two steps.
#include <cuda_fp16.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void product(const half* a, const half* b, half* c) {  // a: 16 x 32, b: 32 x 8, both by rows
    __shared__ __align__(16) half tile_a[16][32], tile_b[32][8];
    int lane = threadIdx.x;
    for (int i = lane; i < 16 * 32; i += 32) tile_a[i / 32][i % 32] = a[i];
    for (int i = lane; i < 32 * 8; i += 32) tile_b[i / 8][i % 8] = b[i];
    __syncwarp();
    uint32_t c0 = 0, c1 = 0;
    for (int k = 0; k < 32; k += 16) {
        uint32_t a0, a1, a2, a3, b0, b1;
        uint32_t at_a = (uint32_t)__cvta_generic_to_shared(&tile_a[lane % 16][k + lane / 16 * 8]);
        uint32_t at_b = (uint32_t)__cvta_generic_to_shared(&tile_b[k + lane % 16][0]);
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(a0), "=r"(a1), "=r"(a2), "=r"(a3)
                     : "r"(at_a));
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];" : "=r"(b0), "=r"(b1) : "r"(at_b));
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0,%1}, {%2,%3,%4,%5}, {%6,%7}, {%0,%1};"
                     : "+r"(c0), "+r"(c1)
                     : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
    }
    int g = lane / 4, t = lane % 4;
    *reinterpret_cast<uint32_t*>(&c[g * 8 + 2 * t]) = c0;
    *reinterpret_cast<uint32_t*>(&c[(g + 8) * 8 + 2 * t]) = c1;
}

int main() {
    half a[16 * 32], b[32 * 8], c[16 * 8], *d_a, *d_b, *d_c;
    for (int i = 0; i < 16 * 32; i++) a[i] = __float2half((float)(i % 7 - 3));
    for (int i = 0; i < 32 * 8; i++) b[i] = __float2half((float)(i % 5 - 2));
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_c, sizeof c));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    product<<<1, 32>>>(d_a, d_b, d_c);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(c, d_c, sizeof c, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 8; j++) {
            int sum = 0;
            for (int k = 0; k < 32; k++) sum += ((i * 32 + k) % 7 - 3) * ((k * 8 + j) % 5 - 2);
            wrong += __half2float(c[i * 8 + j]) != (float)sum;
        }
    std::printf("c[9][4] = %g, %d wrong\n", __half2float(c[9 * 8 + 4]), wrong);
    std::puts(wrong ? "FAIL product differs" : "PASS");
    return wrong != 0;
}
