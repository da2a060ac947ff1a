// Tensor cores with 8-bit integers, signed and unsigned, and with double.
#include <mma.h>

#include <cstdio>
#include <cstdlib>

using namespace nvcuda;

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

template <typename T>
__global__ void product(const T* a, const T* b, int* c) {
    wmma::fragment<wmma::matrix_a, 16, 16, 16, T, wmma::row_major> of_a;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, T, wmma::col_major> of_b;
    wmma::fragment<wmma::accumulator, 16, 16, 16, int> sum;
    wmma::fill_fragment(sum, -5);
    wmma::load_matrix_sync(of_a, a, 16);
    wmma::load_matrix_sync(of_b, b, 16);
    wmma::mma_sync(sum, of_a, of_b, sum);
    wmma::store_matrix_sync(c, sum, 16, wmma::mem_row_major);
}

__global__ void product_double(const double* a, const double* b, double* c) {
    wmma::fragment<wmma::matrix_a, 8, 8, 4, double, wmma::row_major> of_a;
    wmma::fragment<wmma::matrix_b, 8, 8, 4, double, wmma::col_major> of_b;
    wmma::fragment<wmma::accumulator, 8, 8, 4, double> sum;
    wmma::fill_fragment(sum, 0.5);
    wmma::load_matrix_sync(of_a, a, 4);
    wmma::load_matrix_sync(of_b, b, 4);
    wmma::mma_sync(sum, of_a, of_b, sum);
    wmma::store_matrix_sync(c, sum, 8, wmma::mem_row_major);
}

template <typename T>
int wrong_with(const char* name) {
    T a[256], b[256], *d_a, *d_b;
    int c[256], *d_c, wrong = 0;
    for (int i = 0; i < 256; i++) a[i] = (T)(i * 37), b[i] = (T)(i * 101 + 9);
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_c, sizeof c));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    product<T><<<1, 32>>>(d_a, d_b, d_c);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(c, d_c, sizeof c, cudaMemcpyDeviceToHost));
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) {
            int sum = -5;
            for (int k = 0; k < 16; k++) sum += a[i * 16 + k] * b[j * 16 + k];
            wrong += c[i * 16 + j] != sum;
        }
    std::printf("%s: c[4][9] = %d, %d wrong\n", name, c[4 * 16 + 9], wrong);
    return wrong;
}

int main() {
    int wrong = wrong_with<signed char>("signed") + wrong_with<unsigned char>("unsigned");
    double a[32], b[32], c[64], *d_a, *d_b, *d_c;
    for (int i = 0; i < 32; i++) a[i] = i * 0.125, b[i] = i - 15.5;
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_c, sizeof c));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    product_double<<<1, 32>>>(d_a, d_b, d_c);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(c, d_c, sizeof c, cudaMemcpyDeviceToHost));
    int wrong_double = 0;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) {
            double sum = 0.5;
            for (int k = 0; k < 4; k++) sum += a[i * 4 + k] * b[j * 4 + k];
            wrong_double += c[i * 8 + j] != sum;
        }
    std::printf("double: c[4][5] = %g, %d wrong\n", c[4 * 8 + 5], wrong_double);
    std::puts(wrong || wrong_double ? "FAIL product differs" : "PASS");
    return wrong || wrong_double;
}
