// Pitched and three-dimensional memory: cudaMallocPitch, cudaMemcpy2D, cudaMemset2D, cudaMalloc3D and cudaMemcpy3D.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void triple(int width, int height, size_t pitch, int* rows) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < width && y < height) reinterpret_cast<int*>(reinterpret_cast<char*>(rows) + y * pitch)[x] *= 3;
}

__global__ void add_depth(cudaPitchedPtr volume, int width, int height, int depth) {
    int x = threadIdx.x, y = blockIdx.x, z = blockIdx.y;
    if (x < width && y < height && z < depth)
        reinterpret_cast<short*>((char*)volume.ptr + (z * volume.ysize + y) * volume.pitch)[x] += z;
}

int main() {
    const int width = 37, height = 11;
    int in[height][width], out[height][width + 3] = {}, *d_rows, wrong = 0;
    size_t pitch;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) in[y][x] = y * 100 + x;
    CHECK(cudaMallocPitch(&d_rows, &pitch, width * sizeof(int), height));
    CHECK(cudaMemcpy2D(d_rows, pitch, in, width * sizeof(int), width * sizeof(int), height, cudaMemcpyHostToDevice));
    CHECK(cudaMemset2D(d_rows, pitch, 0xff, 5 * sizeof(int), 2));
    triple<<<dim3(3, 2), dim3(16, 8)>>>(width, height, pitch, d_rows);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy2D(out, sizeof out[0], d_rows, pitch, width * sizeof(int), height, cudaMemcpyDeviceToHost));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width + 3; x++) wrong += out[y][x] != (x >= width ? 0 : y < 2 && x < 5 ? -3 : 3 * in[y][x]);
    bool pitched = pitch >= width * sizeof(int) && pitch % 32 == 0;

    const int w = 6, h = 5, d = 4;
    short cube[d][h][w], back[d][h][w] = {};
    for (int i = 0; i < d * h * w; i++) (&cube[0][0][0])[i] = (short)(i * 2);
    cudaExtent extent = make_cudaExtent(w * sizeof(short), h, d);
    cudaPitchedPtr volume;
    CHECK(cudaMalloc3D(&volume, extent));
    cudaMemcpy3DParms copy = {};
    copy.srcPtr = make_cudaPitchedPtr(cube, w * sizeof(short), w, h);
    copy.dstPtr = volume;
    copy.extent = extent;
    copy.kind = cudaMemcpyHostToDevice;
    CHECK(cudaMemcpy3D(&copy));
    add_depth<<<dim3(h, d), 8>>>(volume, w, h, d);
    CHECK(cudaGetLastError());
    cudaMemcpy3DParms part = {};  // a box of 3 x 4 x 2 from the middle
    part.srcPtr = volume;
    part.srcPos = make_cudaPos(2 * sizeof(short), 1, 1);
    part.dstPtr = make_cudaPitchedPtr(back, w * sizeof(short), w, h);
    part.extent = make_cudaExtent(3 * sizeof(short), 4, 2);
    part.kind = cudaMemcpyDeviceToHost;
    CHECK(cudaMemcpy3D(&part));
    for (int z = 0; z < d; z++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                bool copied = z < 2 && y < 4 && x < 3;
                wrong += back[z][y][x] != (copied ? cube[z + 1][y + 1][x + 2] + z + 1 : 0);
            }
    std::printf("pitch is padded: %s, out[1][4] = %d, back[1][0][0] = %d, %d wrong\n", pitched ? "yes" : "no", out[1][4], back[1][0][0], wrong);
    bool right = !wrong && pitched;
    std::puts(right ? "PASS" : "FAIL copies differ");
    return !right;
}
