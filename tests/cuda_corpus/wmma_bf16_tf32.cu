// Tensor cores with bfloat16 and tf32 inputs; tf32 keeps ten bits of the fraction.
#include <cuda_bf16.h>
#include <mma.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace nvcuda;

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void product_bf16(const __nv_bfloat16* a, const __nv_bfloat16* b, float* c) {
    wmma::fragment<wmma::matrix_a, 16, 16, 16, __nv_bfloat16, wmma::row_major> of_a;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, __nv_bfloat16, wmma::col_major> of_b;
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
    wmma::fill_fragment(sum, 0.0f);
    wmma::load_matrix_sync(of_a, a, 16);
    wmma::load_matrix_sync(of_b, b, 16);
    wmma::mma_sync(sum, of_a, of_b, sum);
    wmma::store_matrix_sync(c, sum, 16, wmma::mem_row_major);
}

__global__ void product_tf32(const float* a, const float* b, const float* c, float* d) {
    wmma::fragment<wmma::matrix_a, 16, 16, 8, wmma::precision::tf32, wmma::row_major> of_a;
    wmma::fragment<wmma::matrix_b, 16, 16, 8, wmma::precision::tf32, wmma::row_major> of_b;
    wmma::fragment<wmma::accumulator, 16, 16, 8, float> sum;
    wmma::load_matrix_sync(of_a, a, 8);
    wmma::load_matrix_sync(of_b, b, 16);
    wmma::load_matrix_sync(sum, c, 16, wmma::mem_col_major);
    for (int i = 0; i < of_a.num_elements; i++) of_a.x[i] = wmma::__float_to_tf32(of_a.x[i]);
    for (int i = 0; i < of_b.num_elements; i++) of_b.x[i] = wmma::__float_to_tf32(of_b.x[i]);
    wmma::mma_sync(sum, of_a, of_b, sum);
    wmma::store_matrix_sync(d, sum, 16, wmma::mem_col_major);
}

int main() {
    __nv_bfloat16 a16[256], b16[256], *d_a16, *d_b16;
    float a[128], b[128], c[256], d[256], *d_a, *d_b, *d_c, *d_d;
    for (int i = 0; i < 256; i++) {
        a16[i] = __float2bfloat16((i % 23) * 0.5f);
        b16[i] = __float2bfloat16((float)(i % 7 - 3));
        c[i] = (float)i;
    }
    for (int i = 0; i < 128; i++) a[i] = 1.0f + (i % 10) / 1024.0f, b[i] = (float)(i % 5) - 2.0f;
    CHECK(cudaMalloc(&d_a16, sizeof a16));
    CHECK(cudaMalloc(&d_b16, sizeof b16));
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_c, sizeof c));
    CHECK(cudaMalloc(&d_d, sizeof d));
    CHECK(cudaMemcpy(d_a16, a16, sizeof a16, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b16, b16, sizeof b16, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_c, c, sizeof c, cudaMemcpyHostToDevice));
    product_bf16<<<1, 32>>>(d_a16, d_b16, d_d);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(d, d_d, sizeof d, cudaMemcpyDeviceToHost));
    int wrong_bf16 = 0, wrong_tf32 = 0;
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) {
            float sum = 0;
            for (int k = 0; k < 16; k++) sum += ((i * 16 + k) % 23) * 0.5f * ((j * 16 + k) % 7 - 3);
            wrong_bf16 += d[i * 16 + j] != sum;
        }
    std::printf("bf16: d[2][3] = %g, %d wrong\n", d[2 * 16 + 3], wrong_bf16);
    product_tf32<<<1, 32>>>(d_a, d_b, d_c, d_d);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(d, d_d, sizeof d, cudaMemcpyDeviceToHost));
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) {
            double sum = j * 16 + i;
            for (int k = 0; k < 8; k++) sum += (double)a[i * 8 + k] * b[k * 16 + j];
            wrong_tf32 += std::fabs(d[j * 16 + i] - sum) > 1e-3;
        }
    std::printf("tf32: d[2][3] = %.2f, %d wrong\n", d[3 * 16 + 2], wrong_tf32);
    std::puts(wrong_bf16 || wrong_tf32 ? "FAIL product differs" : "PASS");
    return wrong_bf16 || wrong_tf32;
}
