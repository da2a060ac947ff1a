// Heat equation on a plate: a five-point stencil, shared tile with halo, two buffers swapped each step.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int n = 48, tile = 16, steps = 20;

__global__ void step(const float* in, float* out) {
    __shared__ float t[tile + 2][tile + 2];
    int x = blockIdx.x * tile + threadIdx.x, y = blockIdx.y * tile + threadIdx.y;
    int i = threadIdx.x + 1, j = threadIdx.y + 1;
    t[j][i] = in[y * n + x];
    if (threadIdx.x == 0) t[j][0] = x > 0 ? in[y * n + x - 1] : 0.0f;
    if (threadIdx.x == tile - 1) t[j][tile + 1] = x < n - 1 ? in[y * n + x + 1] : 0.0f;
    if (threadIdx.y == 0) t[0][i] = y > 0 ? in[(y - 1) * n + x] : 100.0f;
    if (threadIdx.y == tile - 1) t[tile + 1][i] = y < n - 1 ? in[(y + 1) * n + x] : 0.0f;
    __syncthreads();
    out[y * n + x] = t[j][i] + 0.2f * (t[j][i - 1] + t[j][i + 1] + t[j - 1][i] + t[j + 1][i] - 4.0f * t[j][i]);
}

int main() {
    static float plate[n * n], host[2][n * n];
    float *d_in, *d_out;
    CHECK(cudaMalloc(&d_in, sizeof plate));
    CHECK(cudaMalloc(&d_out, sizeof plate));
    CHECK(cudaMemset(d_in, 0, sizeof plate));
    for (int s = 0; s < steps; s++) {
        step<<<dim3(n / tile, n / tile), dim3(tile, tile)>>>(d_in, d_out);
        std::swap(d_in, d_out);
    }
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(plate, d_in, sizeof plate, cudaMemcpyDeviceToHost));
    for (int s = 0; s < steps; s++) {
        const float* in = host[s % 2];
        for (int y = 0; y < n; y++)
            for (int x = 0; x < n; x++) {
                float left = x ? in[y * n + x - 1] : 0, right = x < n - 1 ? in[y * n + x + 1] : 0;
                float up = y ? in[(y - 1) * n + x] : 100, down = y < n - 1 ? in[(y + 1) * n + x] : 0, here = in[y * n + x];
                host[1 - s % 2][y * n + x] = here + 0.2f * (left + right + up + down - 4.0f * here);
            }
    }
    double worst = 0, heat = 0;
    for (int i = 0; i < n * n; i++) {
        worst = std::fmax(worst, std::fabs(plate[i] - host[steps % 2][i]));
        heat += plate[i];
    }
    std::printf("heat %.0f, worst error below 1e-3: %s\n", heat, worst < 1e-3 ? "yes" : "no");
    std::puts(worst < 1e-3 ? "PASS" : "FAIL plate differs");
    return !(worst < 1e-3);
}
