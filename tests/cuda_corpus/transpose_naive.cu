// Matrix transpose straight through global memory, rectangular, with a two-dimensional grid.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void transpose(int rows, int columns, const float* in, float* out) {
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row < rows && column < columns) out[column * rows + row] = in[row * columns + column];
}

int main() {
    const int rows = 75, columns = 130;
    static float in[rows * columns], out[rows * columns];
    for (int i = 0; i < rows * columns; i++) in[i] = (float)i;
    float *d_in, *d_out;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    dim3 block(16, 16), grid((columns + 15) / 16, (rows + 15) / 16);
    transpose<<<grid, block>>>(rows, columns, d_in, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) wrong += out[column * rows + row] != in[row * columns + column];
    std::printf("out[1] = %g, %d wrong\n", out[1], wrong);
    std::puts(wrong ? "FAIL transpose differs" : "PASS");
    return wrong != 0;
}
