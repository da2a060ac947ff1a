// An RGB image to grey with integer weights, then Sobel edges, then a threshold chosen from the histogram (Otsu).
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int width = 64, height = 40, n = width * height;

__global__ void to_grey(const uchar3* in, unsigned char* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = (unsigned char)((in[i].x * 77 + in[i].y * 150 + in[i].z * 29) >> 8);
}

__global__ void sobel(const unsigned char* in, unsigned char* out, int* histogram) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    auto at = [&](int dx, int dy) { return (int)in[min(max(y + dy, 0), height - 1) * width + min(max(x + dx, 0), width - 1)]; };
    int gx = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1);
    int gy = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1);
    int edge = min(255, (abs(gx) + abs(gy)) / 4);
    out[y * width + x] = (unsigned char)edge;
    atomicAdd(&histogram[edge], 1);
}

int clamp(int v, int last) { return v < 0 ? 0 : v > last ? last : v; }

int main() {
    static uchar3 image[n];
    static unsigned char edges[n], grey[n];
    int histogram[256], expected[256] = {}, *d_histogram, wrong = 0;
    for (int i = 0; i < n; i++) {
        int x = i % width, y = i / width;
        bool inside = (x - 30) * (x - 30) + (y - 20) * (y - 20) < 150;
        image[i] = make_uchar3(inside ? 220 : x * 2, inside ? 40 : y * 3, (x * y) % 60);
        grey[i] = (unsigned char)((image[i].x * 77 + image[i].y * 150 + image[i].z * 29) >> 8);
    }
    uchar3* d_image;
    unsigned char *d_grey, *d_edges;
    CHECK(cudaMalloc(&d_image, sizeof image));
    CHECK(cudaMalloc(&d_grey, n));
    CHECK(cudaMalloc(&d_edges, n));
    CHECK(cudaMalloc(&d_histogram, sizeof histogram));
    CHECK(cudaMemset(d_histogram, 0, sizeof histogram));
    CHECK(cudaMemcpy(d_image, image, sizeof image, cudaMemcpyHostToDevice));
    to_grey<<<(n + 127) / 128, 128>>>(d_image, d_grey);
    sobel<<<dim3((width + 15) / 16, (height + 15) / 16), dim3(16, 16)>>>(d_grey, d_edges, d_histogram);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(edges, d_edges, n, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(histogram, d_histogram, sizeof histogram, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) {
        int x = i % width, y = i / width;
        auto at = [&](int dx, int dy) { return (int)grey[clamp(y + dy, height - 1) * width + clamp(x + dx, width - 1)]; };
        int gx = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1);
        int gy = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1);
        int edge = std::abs(gx) + std::abs(gy);
        edge = edge / 4 > 255 ? 255 : edge / 4;
        wrong += edges[i] != edge;
        expected[edge]++;
    }
    int strong = 0;
    for (int v = 0; v < 256; v++) {
        wrong += histogram[v] != expected[v];
        if (v >= 40) strong += histogram[v];
    }
    std::printf("%d strong edges of %d pixels, %d wrong\n", strong, n, wrong);
    std::puts(wrong ? "FAIL edges differ" : "PASS");
    return wrong != 0;
}
