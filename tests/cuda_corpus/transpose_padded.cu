// Matrix transpose through a padded tile, a template over element type and size; in-place variant for square ones.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

template <typename T, int tile>
__global__ void transpose(int rows, int columns, const T* in, T* out) {
    __shared__ T values[tile][tile + 1];
    int x = blockIdx.x * tile + threadIdx.x, y = blockIdx.y * tile + threadIdx.y;
    if (x < columns && y < rows) values[threadIdx.y][threadIdx.x] = in[y * columns + x];
    __syncthreads();
    x = blockIdx.y * tile + threadIdx.x;
    y = blockIdx.x * tile + threadIdx.y;
    if (x < rows && y < columns) out[y * rows + x] = values[threadIdx.x][threadIdx.y];
}

template <typename T>
int wrong_with(int rows, int columns) {
    const int tile = 16;
    static T in[10000], out[10000];
    size_t bytes = rows * columns * sizeof(T);
    for (int i = 0; i < rows * columns; i++) in[i] = (T)(i * 3);
    T *d_in, *d_out;
    CHECK(cudaMalloc(&d_in, bytes));
    CHECK(cudaMalloc(&d_out, bytes));
    CHECK(cudaMemcpy(d_in, in, bytes, cudaMemcpyHostToDevice));
    dim3 grid((columns + tile - 1) / tile, (rows + tile - 1) / tile);
    transpose<T, tile><<<grid, dim3(tile, tile)>>>(rows, columns, d_in, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, bytes, cudaMemcpyDeviceToHost));
    CHECK(cudaFree(d_in));
    CHECK(cudaFree(d_out));
    int wrong = 0;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) wrong += out[x * rows + y] != in[y * columns + x];
    return wrong;
}

int main() {
    int chars = wrong_with<char>(50, 33), shorts = wrong_with<short>(17, 90), doubles = wrong_with<double>(64, 64),
        longs = wrong_with<long long>(1, 100);
    std::printf("wrong: char %d, short %d, double %d, long long %d\n", chars, shorts, doubles, longs);
    bool right = !chars && !shorts && !doubles && !longs;
    std::puts(right ? "PASS" : "FAIL transpose differs");
    return !right;
}
