// Adds two vectors, one element per thread; the last block is only partly used.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void add(int n, const float* a, const float* b, float* sum) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) sum[i] = a[i] + b[i];
}

int main() {
    const int n = 10007;
    static float a[n], b[n], sum[n];
    for (int i = 0; i < n; i++) a[i] = 0.5f * i, b[i] = 100.0f - i;
    float *d_a, *d_b, *d_sum;
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_sum, sizeof sum));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    add<<<(n + 255) / 256, 256>>>(n, d_a, d_b, d_sum);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(sum, d_sum, sizeof sum, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < n; i++) wrong += sum[i] != a[i] + b[i];
    CHECK(cudaFree(d_a));
    CHECK(cudaFree(d_b));
    CHECK(cudaFree(d_sum));
    std::printf("sum[0] = %g, sum[%d] = %g, %d wrong\n", sum[0], n - 1, sum[n - 1], wrong);
    std::puts(wrong ? "FAIL sums differ" : "PASS");
    return wrong != 0;
}
