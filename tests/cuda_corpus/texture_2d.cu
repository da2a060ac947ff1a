// Textures over arrays and pitched memory: nearest and linear filtering, every address mode, bytes read as fractions.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int W = 13, H = 9, N = 48;

__global__ void sample(cudaTextureObject_t texture, float* out, float scale_x, float scale_y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y * blockDim.y + threadIdx.y;
    if (i < N && j < N) out[j * N + i] = tex2D<float>(texture, (i - 12.3f) * scale_x, (j - 9.1f) * scale_y);
}

__global__ void invert(cudaTextureObject_t texture, uchar4* out) {
    int x = threadIdx.x, y = blockIdx.x;
    float4 p = tex2D<float4>(texture, x + 0.5f, y + 0.5f);
    uchar4 raw = make_uchar4(p.x * 255 + 0.5f, p.y * 255 + 0.5f, p.z * 255 + 0.5f, p.w * 255 + 0.5f);
    out[y * W + x] = make_uchar4(255 - raw.x, 255 - raw.y, 255 - raw.z, raw.w);
}

// Which texel of an axis a number stands for; -1 outside of a border.
int place(int i, int n, cudaTextureAddressMode mode) {
    if (mode == cudaAddressModeWrap) return ((i % n) + n) % n;
    if (mode == cudaAddressModeMirror) {
        i = ((i % (2 * n)) + 2 * n) % (2 * n);
        return i < n ? i : 2 * n - 1 - i;
    }
    if (mode == cudaAddressModeBorder) return i < 0 || i >= n ? -1 : i;
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

double reference(const std::vector<float>& image, double x, double y, bool linear, cudaTextureAddressMode mode) {
    auto at = [&](int i, int j) {
        i = place(i, W, mode), j = place(j, H, mode);
        return i < 0 || j < 0 ? 0.0 : image[j * W + i];
    };
    if (!linear) return at(std::floor(x), std::floor(y));
    double a = x - 0.5 - std::floor(x - 0.5), b = y - 0.5 - std::floor(y - 0.5);
    int i = std::floor(x - 0.5), j = std::floor(y - 0.5);
    return (1 - b) * ((1 - a) * at(i, j) + a * at(i + 1, j)) + b * ((1 - a) * at(i, j + 1) + a * at(i + 1, j + 1));
}

int main() {
    std::vector<float> image(W * H);
    for (int i = 0; i < W * H; i++) image[i] = (i * 37 % 101) / 100.0f;
    cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
    cudaArray_t array;
    float* pitched;
    size_t pitch;
    CHECK(cudaMallocArray(&array, &format, W, H));
    CHECK(cudaMemcpy2DToArray(array, 0, 0, image.data(), W * 4, W * 4, H, cudaMemcpyHostToDevice));
    CHECK(cudaMallocPitch(&pitched, &pitch, W * 4, H));
    CHECK(cudaMemcpy2D(pitched, pitch, image.data(), W * 4, W * 4, H, cudaMemcpyHostToDevice));
    float* out;
    CHECK(cudaMalloc(&out, N * N * 4));
    std::vector<float> found(N * N);
    int wrong = 0, settings = 0;
    for (bool of_array : {true, false})
        for (bool normalized : {false, true})
            for (bool linear : {false, true})
                for (auto mode : {cudaAddressModeClamp, cudaAddressModeBorder, cudaAddressModeWrap, cudaAddressModeMirror}) {
                    if (!normalized && (mode == cudaAddressModeWrap || mode == cudaAddressModeMirror)) continue;
                    cudaResourceDesc resource = {};
                    if (of_array) {
                        resource.resType = cudaResourceTypeArray;
                        resource.res.array.array = array;
                    } else {
                        resource.resType = cudaResourceTypePitch2D;
                        resource.res.pitch2D.devPtr = pitched;
                        resource.res.pitch2D.desc = format;
                        resource.res.pitch2D.width = W;
                        resource.res.pitch2D.height = H;
                        resource.res.pitch2D.pitchInBytes = pitch;
                    }
                    cudaTextureDesc wanted = {};
                    wanted.addressMode[0] = wanted.addressMode[1] = mode;
                    wanted.filterMode = linear ? cudaFilterModeLinear : cudaFilterModePoint;
                    wanted.readMode = cudaReadModeElementType;
                    wanted.normalizedCoords = normalized;
                    cudaTextureObject_t texture;
                    CHECK(cudaCreateTextureObject(&texture, &resource, &wanted, nullptr));
                    float scale_x = normalized ? 0.8f / W : 0.8f, scale_y = normalized ? 0.7f / H : 0.7f;
                    sample<<<dim3(N / 16, N / 16), dim3(16, 16)>>>(texture, out, scale_x, scale_y);
                    CHECK(cudaMemcpy(found.data(), out, N * N * 4, cudaMemcpyDeviceToHost));
                    CHECK(cudaDestroyTextureObject(texture));
                    settings++;
                    for (int j = 0; j < N; j++)
                        for (int i = 0; i < N; i++) {
                            double x = (i - 12.3) * 0.8, y = (j - 9.1) * 0.7;
                            double near_x = x - std::round(x), near_y = y - std::round(y);
                            if (!linear && (std::fabs(near_x) < 1e-3 || std::fabs(near_y) < 1e-3)) continue;
                            double expected = reference(image, x, y, linear, mode);
                            // weights of linear filtering have eight bits
                            wrong += std::fabs(found[j * N + i] - expected) > (linear ? 0.01 : 0);
                        }
                }
    // four bytes a pixel, read as fractions of one
    std::vector<uchar4> pixels(W * H), inverted(W * H);
    for (int i = 0; i < W * H; i++) pixels[i] = make_uchar4(i, 2 * i, 255 - i, i % 7);
    cudaChannelFormatDesc bytes = cudaCreateChannelDesc<uchar4>();
    cudaArray_t picture;
    uchar4* device;
    CHECK(cudaMallocArray(&picture, &bytes, W, H));
    CHECK(cudaMemcpy2DToArray(picture, 0, 0, pixels.data(), W * 4, W * 4, H, cudaMemcpyHostToDevice));
    CHECK(cudaMalloc(&device, W * H * 4));
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = picture;
    cudaTextureDesc wanted = {};
    wanted.readMode = cudaReadModeNormalizedFloat;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &wanted, nullptr));
    invert<<<H, W>>>(texture, device);
    CHECK(cudaMemcpy(inverted.data(), device, W * H * 4, cudaMemcpyDeviceToHost));
    for (int i = 0; i < W * H; i++)
        wrong += inverted[i].x != 255 - pixels[i].x || inverted[i].y != 255 - pixels[i].y ||
                 inverted[i].z != 255 - pixels[i].z || inverted[i].w != pixels[i].w;
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(picture));
    CHECK(cudaFreeArray(array));
    std::printf("%d settings, %d wrong\n", settings, wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
