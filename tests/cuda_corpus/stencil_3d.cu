// Seven-point stencil in three dimensions: planes march through registers, the middle one lies in shared memory.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int nx = 20, ny = 18, nz = 10, bx = 8, by = 8;

__host__ __device__ constexpr int at(int x, int y, int z) { return (z * ny + y) * nx + x; }

__global__ void stencil(const int* in, int* out) {
    __shared__ int plane[by + 2][bx + 2];
    int x = blockIdx.x * bx + threadIdx.x + 1, y = blockIdx.y * by + threadIdx.y + 1;
    bool inside = x < nx - 1 && y < ny - 1;
    int i = threadIdx.x + 1, j = threadIdx.y + 1;
    int below = 0, here = inside ? in[at(x, y, 0)] : 0, above = inside ? in[at(x, y, 1)] : 0;
    for (int z = 1; z < nz - 1; z++) {
        below = here;
        here = above;
        above = inside ? in[at(x, y, z + 1)] : 0;
        __syncthreads();
        if (x < nx && y < ny) {
            plane[j][i] = in[at(x, y, z)];
            if (threadIdx.x == 0) plane[j][0] = in[at(x - 1, y, z)];
            if (threadIdx.x == bx - 1 && x + 1 < nx) plane[j][bx + 1] = in[at(x + 1, y, z)];
            if (threadIdx.y == 0) plane[0][i] = in[at(x, y - 1, z)];
            if (threadIdx.y == by - 1 && y + 1 < ny) plane[by + 1][i] = in[at(x, y + 1, z)];
        }
        __syncthreads();
        if (inside)
            out[at(x, y, z)] =
                below + above + plane[j][i - 1] + plane[j][i + 1] + plane[j - 1][i] + plane[j + 1][i] - 6 * here;
    }
}

int main() {
    static int in[nx * ny * nz], out[nx * ny * nz];
    for (int i = 0; i < nx * ny * nz; i++) in[i] = (i * 71) % 1009;
    int *d_in, *d_out, wrong = 0;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    CHECK(cudaMemset(d_out, 0, sizeof out));
    stencil<<<dim3((nx - 2 + bx - 1) / bx, (ny - 2 + by - 1) / by), dim3(bx, by)>>>(d_in, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    long long sum = 0;
    for (int z = 0; z < nz; z++)
        for (int y = 0; y < ny; y++)
            for (int x = 0; x < nx; x++) {
                bool edge = x == 0 || y == 0 || z == 0 || x == nx - 1 || y == ny - 1 || z == nz - 1;
                int expected = edge ? 0
                                    : in[at(x - 1, y, z)] + in[at(x + 1, y, z)] + in[at(x, y - 1, z)] +
                                          in[at(x, y + 1, z)] + in[at(x, y, z - 1)] + in[at(x, y, z + 1)] -
                                          6 * in[at(x, y, z)];
                wrong += out[at(x, y, z)] != expected;
                sum += out[at(x, y, z)];
            }
    std::printf("sum %lld, %d wrong\n", sum, wrong);
    std::puts(wrong ? "FAIL stencil differs" : "PASS");
    return wrong != 0;
}
