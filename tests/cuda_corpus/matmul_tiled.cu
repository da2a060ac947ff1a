// Matrix product through shared tiles, sizes that are no multiple of the tile.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int tile = 16;

__global__ void matmul(int m, int n, int k, const float* a, const float* b, float* c) {
    __shared__ float tile_a[tile][tile], tile_b[tile][tile];
    int row = blockIdx.y * tile + threadIdx.y, column = blockIdx.x * tile + threadIdx.x;
    float sum = 0.0f;
    for (int first = 0; first < k; first += tile) {
        int ka = first + threadIdx.x, kb = first + threadIdx.y;
        tile_a[threadIdx.y][threadIdx.x] = row < m && ka < k ? a[row * k + ka] : 0.0f;
        tile_b[threadIdx.y][threadIdx.x] = kb < k && column < n ? b[kb * n + column] : 0.0f;
        __syncthreads();
        for (int i = 0; i < tile; i++) sum += tile_a[threadIdx.y][i] * tile_b[i][threadIdx.x];
        __syncthreads();
    }
    if (row < m && column < n) c[row * n + column] = sum;
}

int main() {
    const int m = 70, n = 45, k = 100;
    static float a[m * k], b[k * n], c[m * n];
    for (int i = 0; i < m * k; i++) a[i] = std::sin(0.1f * i);
    for (int i = 0; i < k * n; i++) b[i] = std::cos(0.05f * i);
    float *d_a, *d_b, *d_c;
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_c, sizeof c));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    matmul<<<dim3((n + tile - 1) / tile, (m + tile - 1) / tile), dim3(tile, tile)>>>(m, n, k, d_a, d_b, d_c);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(c, d_c, sizeof c, cudaMemcpyDeviceToHost));
    double worst = 0, sum_all = 0;
    for (int row = 0; row < m; row++)
        for (int column = 0; column < n; column++) {
            double sum = 0;
            for (int i = 0; i < k; i++) sum += (double)a[row * k + i] * b[i * n + column];
            worst = std::fmax(worst, std::fabs(sum - c[row * n + column]));
            sum_all += c[row * n + column];
        }
    std::printf("sum %.2f, worst error below 1e-4: %s\n", sum_all, worst < 1e-4 ? "yes" : "no");
    std::puts(worst < 1e-4 ? "PASS" : "FAIL product differs");
    return !(worst < 1e-4);
}
