// Marches rays through a signed-distance field (two spheres and a floor) and writes a PPM image.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int width = 48, height = 32;

struct Vec {
    float x, y, z;
    __host__ __device__ Vec operator+(Vec o) const { return {x + o.x, y + o.y, z + o.z}; }
    __host__ __device__ Vec operator-(Vec o) const { return {x - o.x, y - o.y, z - o.z}; }
    __host__ __device__ Vec operator*(float s) const { return {x * s, y * s, z * s}; }
    __host__ __device__ float dot(Vec o) const { return x * o.x + y * o.y + z * o.z; }
    __host__ __device__ float length() const { return sqrtf(dot(*this)); }
    __host__ __device__ Vec normal() const { return *this * (1.0f / length()); }
};

__host__ __device__ float distance_at(Vec p) {
    float one = (p - Vec{0, 0, 3}).length() - 1.0f, other = (p - Vec{1.2f, -0.4f, 2.2f}).length() - 0.6f;
    return fminf(fminf(one, other), p.y + 1.0f);
}

__host__ __device__ int shade(int px, int py) {
    Vec direction = Vec{(px - width / 2) / (float)height, (height / 2 - py) / (float)height, 1.0f}.normal();
    float travelled = 0;
    for (int i = 0; i < 64 && travelled < 20.0f; i++) {
        Vec p = direction * travelled;
        float d = distance_at(p);
        if (d < 1e-3f) {
            const float e = 1e-2f;
            Vec n = Vec{distance_at(p + Vec{e, 0, 0}) - d, distance_at(p + Vec{0, e, 0}) - d, distance_at(p + Vec{0, 0, e}) - d}.normal();
            return 40 + (int)(200 * fmaxf(0.0f, n.dot(Vec{-0.5f, 0.7f, -0.5f})));
        }
        travelled += d;
    }
    return 20;
}

__global__ void render(unsigned char* image) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < width && y < height) image[y * width + x] = (unsigned char)shade(x, y);
}

int main() {
    static unsigned char image[width * height];
    unsigned char* d_image;
    CHECK(cudaMalloc(&d_image, sizeof image));
    render<<<dim3((width + 15) / 16, (height + 7) / 8), dim3(16, 8)>>>(d_image);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(image, d_image, sizeof image, cudaMemcpyDeviceToHost));
    FILE* file = std::fopen("ray_march.ppm", "wb");
    if (file) {
        std::fprintf(file, "P6 %d %d 255\n", width, height);
        for (unsigned char grey : image)
            for (int channel = 0; channel < 3; channel++) std::fputc(grey, file);
        std::fclose(file);
    }
    int off = 0, lit = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            off += std::abs(image[y * width + x] - shade(x, y)) > 3;  // the surface may be met one step earlier or later
            lit += image[y * width + x] > 60;
        }
    std::printf("%d of %d pixels lit (to the nearest ten), image written: %s\n", (lit + 5) / 10 * 10, width * height, file ? "yes" : "no");
    bool right = off <= width * height / 100 && lit > 100 && file;
    std::puts(right ? "PASS" : "FAIL image differs");
    return !right;
}
