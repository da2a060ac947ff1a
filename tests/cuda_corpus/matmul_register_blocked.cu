// Matrix product with 4 x 4 results per thread in registers, shared tiles and float4 loads.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int block_size = 32, depth = 8, per_thread = 4;

__global__ void matmul(int n, const float* a, const float* b, float* c) {
    __shared__ float tile_a[depth][block_size];
    __shared__ __align__(16) float tile_b[depth][block_size];
    int tx = threadIdx.x % 8, ty = threadIdx.x / 8;  // 8 x 8 threads
    const float* first_a = a + blockIdx.y * block_size * n;
    const float* first_b = b + blockIdx.x * block_size;
    float sums[per_thread][per_thread] = {};
    for (int k = 0; k < n; k += depth) {
        int row = threadIdx.x / 2, quad = threadIdx.x % 2 * 4;
        float4 from_a = *reinterpret_cast<const float4*>(&first_a[row * n + k + quad]);
        tile_a[quad][row] = from_a.x;
        tile_a[quad + 1][row] = from_a.y;
        tile_a[quad + 2][row] = from_a.z;
        tile_a[quad + 3][row] = from_a.w;
        int b_row = threadIdx.x / 8, b_quad = threadIdx.x % 8 * 4;
        *reinterpret_cast<float4*>(&tile_b[b_row][b_quad]) =
            *reinterpret_cast<const float4*>(&first_b[(k + b_row) * n + b_quad]);
        __syncthreads();
#pragma unroll
        for (int i = 0; i < depth; i++) {
            float of_a[per_thread], of_b[per_thread];
            for (int j = 0; j < per_thread; j++) of_a[j] = tile_a[i][ty * per_thread + j];
            for (int j = 0; j < per_thread; j++) of_b[j] = tile_b[i][tx * per_thread + j];
            for (int y = 0; y < per_thread; y++)
                for (int x = 0; x < per_thread; x++) sums[y][x] += of_a[y] * of_b[x];
        }
        __syncthreads();
    }
    for (int y = 0; y < per_thread; y++) {
        int row = blockIdx.y * block_size + ty * per_thread + y, column = blockIdx.x * block_size + tx * per_thread;
        *reinterpret_cast<float4*>(&c[row * n + column]) = make_float4(sums[y][0], sums[y][1], sums[y][2], sums[y][3]);
    }
}

int main() {
    const int n = 64;
    static float a[n * n], b[n * n], c[n * n];
    for (int i = 0; i < n * n; i++) a[i] = (float)(i % 11 - 5), b[i] = (float)(i % 13 - 6);
    float *d_a, *d_b, *d_c;
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_c, sizeof c));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    matmul<<<dim3(n / block_size, n / block_size), 64>>>(n, d_a, d_b, d_c);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(c, d_c, sizeof c, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int row = 0; row < n; row++)
        for (int column = 0; column < n; column++) {
            float sum = 0;
            for (int i = 0; i < n; i++) sum += a[row * n + i] * b[i * n + column];
            wrong += c[row * n + column] != sum;
        }
    std::printf("c[10][20] = %g, %d wrong\n", c[10 * n + 20], wrong);
    std::puts(wrong ? "FAIL product differs" : "PASS");
    return wrong != 0;
}
