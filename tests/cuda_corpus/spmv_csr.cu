// Sparse matrix times vector, CSR: one thread per row, and one warp per row with a shuffle reduction.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int rows = 200;

__global__ void by_thread(const int* starts, const int* columns, const float* values, const float* x, float* y) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    float sum = 0;
    for (int i = starts[row]; i < starts[row + 1]; i++) sum += values[i] * x[columns[i]];
    y[row] = sum;
}

__global__ void by_warp(const int* starts, const int* columns, const float* values, const float* x, float* y) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    float sum = 0;
    for (int i = starts[row] + lane; i < starts[row + 1]; i += 32) sum += values[i] * x[columns[i]];
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(0xffffffff, sum, offset);
    if (lane == 0) y[row] = sum;
}

int main() {
    static int starts[rows + 1], columns[rows * 20];
    static float values[rows * 20], x[rows], thread_y[rows], warp_y[rows];
    int n = 0, wrong = 0;
    for (int row = 0; row < rows; row++) {
        starts[row] = n;
        for (int column = row % 3; column < rows; column += 11 + row % 40) {
            columns[n] = column;
            values[n++] = (float)((row + column) % 9 - 4);
        }
        x[row] = (float)(row % 13) * 0.5f;
    }
    starts[rows] = n;
    int *d_starts, *d_columns;
    float *d_values, *d_x, *d_y;
    CHECK(cudaMalloc(&d_starts, sizeof starts));
    CHECK(cudaMalloc(&d_columns, n * sizeof(int)));
    CHECK(cudaMalloc(&d_values, n * sizeof(float)));
    CHECK(cudaMalloc(&d_x, sizeof x));
    CHECK(cudaMalloc(&d_y, sizeof x));
    CHECK(cudaMemcpy(d_starts, starts, sizeof starts, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_columns, columns, n * sizeof(int), cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_values, values, n * sizeof(float), cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_x, x, sizeof x, cudaMemcpyHostToDevice));
    by_thread<<<(rows + 63) / 64, 64>>>(d_starts, d_columns, d_values, d_x, d_y);
    CHECK(cudaMemcpy(thread_y, d_y, sizeof x, cudaMemcpyDeviceToHost));
    by_warp<<<(rows * 32 + 127) / 128, 128>>>(d_starts, d_columns, d_values, d_x, d_y);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(warp_y, d_y, sizeof x, cudaMemcpyDeviceToHost));
    for (int row = 0; row < rows; row++) {
        float sum = 0;
        for (int i = starts[row]; i < starts[row + 1]; i++) sum += values[i] * x[columns[i]];
        wrong += thread_y[row] != sum || warp_y[row] != sum;  // exact: multiples of a half
    }
    std::printf("%d entries, y[17] = %g, %d wrong\n", n, warp_y[17], wrong);
    std::puts(wrong ? "FAIL product differs" : "PASS");
    return wrong != 0;
}
