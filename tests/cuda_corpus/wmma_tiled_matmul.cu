// A whole 64 x 64 x 64 product on tensor cores: four warps per block, tiles of half in shared memory.
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

const int n = 64, tile = 32;

__global__ void matmul(const half* a, const half* b, float* c) {
    __shared__ half tile_a[tile][16 + 8], tile_b[16][tile + 8];
    int warp = threadIdx.x / 32, row = blockIdx.y * tile, column = blockIdx.x * tile;
    int warp_row = warp / 2 * 16, warp_column = warp % 2 * 16;
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
    wmma::fill_fragment(sum, 0.0f);
    for (int k = 0; k < n; k += 16) {
        for (int i = threadIdx.x; i < tile * 16; i += blockDim.x) {
            tile_a[i / 16][i % 16] = a[(row + i / 16) * n + k + i % 16];
            tile_b[i / tile][i % tile] = b[(k + i / tile) * n + column + i % tile];
        }
        __syncthreads();
        wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> of_a;
        wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> of_b;
        wmma::load_matrix_sync(of_a, &tile_a[warp_row][0], 16 + 8);
        wmma::load_matrix_sync(of_b, &tile_b[0][warp_column], tile + 8);
        wmma::mma_sync(sum, of_a, of_b, sum);
        __syncthreads();
    }
    wmma::store_matrix_sync(c + (row + warp_row) * n + column + warp_column, sum, n, wmma::mem_row_major);
}

int main() {
    static half a[n * n], b[n * n];
    static float c[n * n];
    for (int i = 0; i < n * n; i++) a[i] = __float2half((i % 17) * 0.25f), b[i] = __float2half((float)(i % 19 - 9));
    half *d_a, *d_b;
    float* d_c;
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_c, sizeof c));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    matmul<<<dim3(n / tile, n / tile), 128>>>(d_a, d_b, d_c);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(c, d_c, sizeof c, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int row = 0; row < n; row++)
        for (int column = 0; column < n; column++) {
            float sum = 0;
            for (int k = 0; k < n; k++) sum += ((row * n + k) % 17) * 0.25f * ((k * n + column) % 19 - 9);
            wrong += c[row * n + column] != sum;
        }
    std::printf("c[5][6] = %g, %d wrong\n", c[5 * n + 6], wrong);
    std::puts(wrong ? "FAIL product differs" : "PASS");
    return wrong != 0;
}
