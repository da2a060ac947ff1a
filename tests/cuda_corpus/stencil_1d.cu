// One-dimensional stencil of radius 3 through shared memory with a halo on both sides.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int radius = 3, threads = 128;

__global__ void stencil(int n, const int* in, int* out) {
    __shared__ int values[threads + 2 * radius];
    int i = blockIdx.x * blockDim.x + threadIdx.x, local = threadIdx.x + radius;
    values[local] = i < n ? in[i] : 0;
    if (threadIdx.x < radius) {
        int left = i - radius, right = i + threads;
        values[local - radius] = left >= 0 ? in[left] : 0;
        values[local + threads] = right < n ? in[right] : 0;
    }
    __syncthreads();
    if (i >= n) return;
    int sum = 0;
    for (int offset = -radius; offset <= radius; offset++) sum += values[local + offset];
    out[i] = sum;
}

int main() {
    const int n = 4000;
    static int in[n], out[n];
    for (int i = 0; i < n; i++) in[i] = (i * 13) % 29;
    int *d_in, *d_out, wrong = 0;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    stencil<<<(n + threads - 1) / threads, threads>>>(n, d_in, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) {
        int sum = 0;
        for (int j = i - radius; j <= i + radius; j++) sum += j >= 0 && j < n ? in[j] : 0;
        wrong += out[i] != sum;
    }
    std::printf("out[0] = %d, out[2000] = %d, %d wrong\n", out[0], out[2000], wrong);
    std::puts(wrong ? "FAIL stencil differs" : "PASS");
    return wrong != 0;
}
