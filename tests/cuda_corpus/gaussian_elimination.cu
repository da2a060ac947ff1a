// Solves linear systems, one block each, by elimination with partial pivoting in shared memory.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int n = 12, systems = 5;

__global__ void solve(const float* matrices, float* solutions) {
    __shared__ float m[n][n + 1];
    __shared__ int pivot;
    int i = threadIdx.x;
    for (int j = 0; j <= n; j++) m[i][j] = matrices[(blockIdx.x * n + i) * (n + 1) + j];
    __syncthreads();
    for (int k = 0; k < n; k++) {
        if (i == 0) {
            pivot = k;
            for (int row = k + 1; row < n; row++)
                if (fabsf(m[row][k]) > fabsf(m[pivot][k])) pivot = row;
        }
        __syncthreads();
        int p = pivot;
        if (p != k)
            for (int j = i; j <= n; j += n) {
                float t = m[k][j];
                m[k][j] = m[p][j];
                m[p][j] = t;
            }
        __syncthreads();
        float factor = i == k ? 0.0f : m[i][k] / m[k][k];
        __syncthreads();
        if (i != k)
            for (int j = k; j <= n; j++) m[i][j] -= factor * m[k][j];
        __syncthreads();
    }
    solutions[blockIdx.x * n + i] = m[i][n] / m[i][i];
}

int main() {
    static float matrices[systems][n][n + 1], solutions[systems][n];
    for (int s = 0; s < systems; s++)
        for (int i = 0; i < n; i++) {
            matrices[s][i][n] = 0;
            for (int j = 0; j < n; j++) {
                matrices[s][i][j] = std::sin((float)(s + 1) * (i * n + j + 1)) + (i == (j + s) % n ? 4.0f : 0.0f);
                matrices[s][i][n] += matrices[s][i][j] * (j - 3);  // the solution is -3, -2, ...
            }
        }
    float *d_matrices, *d_solutions, worst = 0;
    CHECK(cudaMalloc(&d_matrices, sizeof matrices));
    CHECK(cudaMalloc(&d_solutions, sizeof solutions));
    CHECK(cudaMemcpy(d_matrices, matrices, sizeof matrices, cudaMemcpyHostToDevice));
    solve<<<systems, n>>>(d_matrices, d_solutions);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(solutions, d_solutions, sizeof solutions, cudaMemcpyDeviceToHost));
    for (int s = 0; s < systems; s++)
        for (int i = 0; i < n; i++) worst = std::fmax(worst, std::fabs(solutions[s][i] - (i - 3)));
    std::printf("x = %.2f %.2f ... %.2f, worst error below 1e-3: %s\n", solutions[2][0], solutions[2][1], solutions[2][n - 1], worst < 1e-3f ? "yes" : "no");
    std::puts(worst < 1e-3f ? "PASS" : "FAIL solutions differ");
    return !(worst < 1e-3f);
}
