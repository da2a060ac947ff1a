// Matrix transpose through a shared tile, 32 x 8 threads, with bank conflicts.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int tile = 32, tile_rows = 8;

__global__ void transpose(int n, const int* in, int* out) {
    __shared__ int values[tile][tile];
    int x = blockIdx.x * tile + threadIdx.x, y = blockIdx.y * tile + threadIdx.y;
    for (int row = 0; row < tile; row += tile_rows) values[threadIdx.y + row][threadIdx.x] = in[(y + row) * n + x];
    __syncthreads();
    x = blockIdx.y * tile + threadIdx.x;
    y = blockIdx.x * tile + threadIdx.y;
    for (int row = 0; row < tile; row += tile_rows) out[(y + row) * n + x] = values[threadIdx.x][threadIdx.y + row];
}

int main() {
    const int n = 128;
    static int in[n][n], out[n][n];
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) in[y][x] = y * 1000 + x;
    int *d_in, *d_out, wrong = 0;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    transpose<<<dim3(n / tile, n / tile), dim3(tile, tile_rows)>>>(n, d_in, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) wrong += out[y][x] != in[x][y];
    std::printf("out[3][100] = %d, %d wrong\n", out[3][100], wrong);
    std::puts(wrong ? "FAIL transpose differs" : "PASS");
    return wrong != 0;
}
