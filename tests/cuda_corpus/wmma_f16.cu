// Tensor cores through nvcuda::wmma: half inputs, float and half sums, row- and column-major operands, all three shapes.
#include <cuda_fp16.h>
#include <mma.h>

#include <cstdio>
#include <cstdlib>

using namespace nvcuda;

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

template <int m, int n, int k, typename Sum, typename LayoutA, typename LayoutB>
__global__ void product(const half* a, int lda, const half* b, int ldb, Sum* c) {
    wmma::fragment<wmma::matrix_a, m, n, k, half, LayoutA> of_a;
    wmma::fragment<wmma::matrix_b, m, n, k, half, LayoutB> of_b;
    wmma::fragment<wmma::accumulator, m, n, k, Sum> sum;
    wmma::fill_fragment(sum, Sum(1.0f));
    wmma::load_matrix_sync(of_a, a, lda);
    wmma::load_matrix_sync(of_b, b, ldb);
    wmma::mma_sync(sum, of_a, of_b, sum);
    for (int i = 0; i < sum.num_elements; i++) sum.x[i] = sum.x[i] * Sum(2.0f);
    wmma::store_matrix_sync(c, sum, n, wmma::mem_row_major);
}

template <int m, int n, int k, typename Sum, typename LayoutA, typename LayoutB>
int wrong_with(const char* name) {
    constexpr bool row_a = std::is_same<LayoutA, wmma::row_major>::value, row_b = std::is_same<LayoutB, wmma::row_major>::value;
    half a[m * k], b[k * n];
    Sum c[m * n];
    for (int i = 0; i < m; i++)
        for (int j = 0; j < k; j++) a[row_a ? i * k + j : j * m + i] = __float2half((float)((i * 3 + j * 5) % 9 - 4));
    for (int i = 0; i < k; i++)
        for (int j = 0; j < n; j++) b[row_b ? i * n + j : j * k + i] = __float2half((float)((i * 7 + j) % 5 - 2));
    half *d_a, *d_b;
    Sum* d_c;
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_c, sizeof c));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    product<m, n, k, Sum, LayoutA, LayoutB><<<1, 32>>>(d_a, row_a ? k : m, d_b, row_b ? n : k, d_c);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(c, d_c, sizeof c, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            int sum = 1;
            for (int p = 0; p < k; p++) sum += ((i * 3 + p * 5) % 9 - 4) * ((p * 7 + j) % 5 - 2);
            wrong += (float)c[i * n + j] != 2.0f * sum;
        }
    std::printf("%s: c[1][2] = %g, %d wrong\n", name, (float)c[n + 2], wrong);
    return wrong;
}

int main() {
    using wmma::col_major, wmma::row_major;
    int wrong = wrong_with<16, 16, 16, float, row_major, col_major>("16x16x16 float row col");
    wrong += wrong_with<16, 16, 16, half, col_major, row_major>("16x16x16 half col row");
    wrong += wrong_with<32, 8, 16, float, row_major, row_major>("32x8x16 float row row");
    wrong += wrong_with<8, 32, 16, half, col_major, col_major>("8x32x16 half col col");
    std::puts(wrong ? "FAIL product differs" : "PASS");
    return wrong != 0;
}
