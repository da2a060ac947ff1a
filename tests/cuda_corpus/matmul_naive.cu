// Matrix product, one thread per element of the result, with grid and block in two dimensions.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void matmul(int m, int n, int k, const double* a, const double* b, double* c) {
    int row = blockIdx.y * blockDim.y + threadIdx.y, column = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= m || column >= n) return;
    double sum = 0;
    for (int i = 0; i < k; i++) sum += a[row * k + i] * b[i * n + column];
    c[row * n + column] = sum;
}

int main() {
    const int m = 37, n = 50, k = 61;
    static double a[m * k], b[k * n], c[m * n];
    for (int i = 0; i < m * k; i++) a[i] = i % 7 - 3;
    for (int i = 0; i < k * n; i++) b[i] = (i % 5) * 0.5;
    double *d_a, *d_b, *d_c;
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_c, sizeof c));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    matmul<<<dim3((n + 15) / 16, (m + 7) / 8), dim3(16, 8)>>>(m, n, k, d_a, d_b, d_c);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(c, d_c, sizeof c, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int row = 0; row < m; row++)
        for (int column = 0; column < n; column++) {
            double sum = 0;
            for (int i = 0; i < k; i++) sum += a[row * k + i] * b[i * n + column];
            wrong += c[row * n + column] != sum;  // exact: small multiples of a half
        }
    std::printf("c[3][7] = %g, %d wrong\n", c[3 * n + 7], wrong);
    std::puts(wrong ? "FAIL product differs" : "PASS");
    return wrong != 0;
}
