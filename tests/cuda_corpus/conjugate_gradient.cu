// Solves a Laplace system by conjugate gradients: dot products, axpy and a matrix-free stencil in double precision.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int side = 16, n = side * side;

__global__ void laplace(const double* x, double* y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, column = i % side, row = i / side;
    double sum = 4 * x[i];
    if (column > 0) sum -= x[i - 1];
    if (column < side - 1) sum -= x[i + 1];
    if (row > 0) sum -= x[i - side];
    if (row < side - 1) sum -= x[i + side];
    y[i] = sum;
}

__global__ void dot(const double* a, const double* b, double* result) {
    __shared__ double sums[n];
    int i = threadIdx.x;
    sums[i] = a[i] * b[i];
    for (int half = n / 2; half > 0; half /= 2) {
        __syncthreads();
        if (i < half) sums[i] += sums[i + half];
    }
    if (i == 0) *result = sums[0];
}

__global__ void axpy(double a, const double* x, const double* y, double* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = a * x[i] + y[i];
}

int main() {
    double b[n], x[n], *d_x, *d_r, *d_p, *d_q, *d_s, residual, next, curvature;
    for (int i = 0; i < n; i++) b[i] = i % 9 - 4.0;
    CHECK(cudaMalloc(&d_x, sizeof x));
    CHECK(cudaMalloc(&d_r, sizeof x));
    CHECK(cudaMalloc(&d_p, sizeof x));
    CHECK(cudaMalloc(&d_q, sizeof x));
    CHECK(cudaMalloc(&d_s, sizeof(double)));
    CHECK(cudaMemset(d_x, 0, sizeof x));
    CHECK(cudaMemcpy(d_r, b, sizeof b, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_p, d_r, sizeof b, cudaMemcpyDeviceToDevice));
    dot<<<1, n>>>(d_r, d_r, d_s);
    CHECK(cudaMemcpy(&residual, d_s, sizeof residual, cudaMemcpyDeviceToHost));
    int rounds = 0;
    for (; residual > 1e-16 && rounds < 100; rounds++, residual = next) {
        laplace<<<n / 64, 64>>>(d_p, d_q);
        dot<<<1, n>>>(d_p, d_q, d_s);
        CHECK(cudaMemcpy(&curvature, d_s, sizeof curvature, cudaMemcpyDeviceToHost));
        axpy<<<n / 64, 64>>>(residual / curvature, d_p, d_x, d_x);
        axpy<<<n / 64, 64>>>(-residual / curvature, d_q, d_r, d_r);
        dot<<<1, n>>>(d_r, d_r, d_s);
        CHECK(cudaMemcpy(&next, d_s, sizeof next, cudaMemcpyDeviceToHost));
        axpy<<<n / 64, 64>>>(next / residual, d_p, d_r, d_p);
    }
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(x, d_x, sizeof x, cudaMemcpyDeviceToHost));
    double worst = 0;
    for (int i = 0; i < n; i++) {
        int column = i % side, row = i / side;
        double sum = 4 * x[i] - (column ? x[i - 1] : 0) - (column < side - 1 ? x[i + 1] : 0) - (row ? x[i - side] : 0) - (row < side - 1 ? x[i + side] : 0);
        worst = std::fmax(worst, std::fabs(sum - b[i]));
    }
    std::printf("converged: %s, x[100] = %.6f, worst residual below 1e-7: %s\n", rounds < 100 ? "yes" : "no", x[100], worst < 1e-7 ? "yes" : "no");
    std::puts(worst < 1e-7 ? "PASS" : "FAIL the system is not solved");
    return !(worst < 1e-7);
}
