// Two-dimensional convolution with its kernel in __constant__ memory, borders clamped.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int width = 70, height = 45, radius = 2, side = 2 * radius + 1;

__constant__ int weights[side][side];
__constant__ int shift = 8;

__global__ void convolve(const unsigned char* in, unsigned char* out) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    int sum = 0;
#pragma unroll
    for (int dy = -radius; dy <= radius; dy++)
#pragma unroll
        for (int dx = -radius; dx <= radius; dx++) {
            int px = min(max(x + dx, 0), width - 1), py = min(max(y + dy, 0), height - 1);
            sum += weights[dy + radius][dx + radius] * in[py * width + px];
        }
    out[y * width + x] = (unsigned char)(sum >> shift);
}

int clamp(int value, int last) { return value < 0 ? 0 : value > last ? last : value; }

int main() {
    const int line[side] = {1, 4, 6, 4, 1};
    int kernel[side][side], checksum = 0, wrong = 0;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) kernel[y][x] = line[y] * line[x];  // sums to 256
    static unsigned char in[width * height], out[width * height];
    for (int i = 0; i < width * height; i++) in[i] = (unsigned char)((i * i) >> 3);
    CHECK(cudaMemcpyToSymbol(weights, kernel, sizeof kernel));
    unsigned char *d_in, *d_out;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    convolve<<<dim3((width + 15) / 16, (height + 7) / 8), dim3(16, 8)>>>(d_in, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int sum = 0;
            for (int dy = -radius; dy <= radius; dy++)
                for (int dx = -radius; dx <= radius; dx++)
                    sum += kernel[dy + radius][dx + radius] * in[clamp(y + dy, height - 1) * width + clamp(x + dx, width - 1)];
            wrong += out[y * width + x] != sum >> 8;
            checksum = (checksum * 31 + out[y * width + x]) & 0xffffff;
        }
    std::printf("checksum %06x, %d wrong\n", checksum, wrong);
    std::puts(wrong ? "FAIL image differs" : "PASS");
    return wrong != 0;
}
