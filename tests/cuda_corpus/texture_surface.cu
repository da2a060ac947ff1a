// Surfaces that are read and written, as textures too; volumes, layers, gathered texels, and fetches from linear memory.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int N = 24, D = 5;

__global__ void diffuse(cudaSurfaceObject_t from, cudaSurfaceObject_t to) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= N || y >= N) return;
    float left = surf2Dread<float>(from, (x - 1) * 4, y, cudaBoundaryModeZero);
    float right = surf2Dread<float>(from, (x + 1) * 4, y, cudaBoundaryModeClamp), up, down;
    surf2Dread(&up, from, x * 4, y - 1, cudaBoundaryModeClamp);
    surf2Dread(&down, from, x * 4, y + 1, cudaBoundaryModeZero);
    surf2Dwrite(0.25f * (left + right + up + down), to, x * 4, y);
}

__global__ void fill_volume(cudaSurfaceObject_t volume) {
    int x = threadIdx.x, y = threadIdx.y, z = blockIdx.x;
    surf3Dwrite(make_short2(x + 10 * y, -z), volume, x * 4, y, z);
}

__global__ void look(cudaTextureObject_t smooth, cudaTextureObject_t volume, cudaTextureObject_t layers,
                     cudaTextureObject_t numbers, int count, float* out) {
    int i = threadIdx.x;
    float4 four = tex2Dgather<float4>(smooth, i % 5 + 1.0f, i % 7 + 1.0f);
    out[i] = four.x + 2 * four.y + 4 * four.z + 8 * four.w;
    short2 here = tex3D<short2>(volume, i % 8 + 0.5f, i % 4 + 0.5f, i % D + 0.5f);
    out[32 + i] = here.x * 100 + here.y;
    out[64 + i] = tex2DLayered<float>(layers, i % 6 + 0.5f, i % 3 + 0.5f, i % 4) + tex2DLod<float>(smooth, 1, 1, 0);
    int2 number = tex1Dfetch<int2>(numbers, i + count - 16);  // zeros behind the end
    out[96 + i] = number.x + 1000 * number.y;
}

cudaArray_t array_of(cudaChannelFormatDesc format, int x, int y, int z, unsigned flags) {
    cudaArray_t made;
    CHECK(cudaMalloc3DArray(&made, &format, make_cudaExtent(x, y, z), flags));
    return made;
}

cudaResourceDesc resource_of(cudaArray_t array) {
    cudaResourceDesc found = {};
    found.resType = cudaResourceTypeArray;
    found.res.array.array = array;
    return found;
}

cudaTextureObject_t texture_of(cudaResourceDesc resource) {
    cudaTextureDesc wanted = {};
    wanted.addressMode[0] = wanted.addressMode[1] = wanted.addressMode[2] = cudaAddressModeClamp;
    cudaTextureObject_t made;
    CHECK(cudaCreateTextureObject(&made, &resource, &wanted, nullptr));
    return made;
}

int main() {
    std::vector<float> field(N * N), other(N * N), found(N * N);
    for (int i = 0; i < N * N; i++) field[i] = (i * 29 % 83) / 83.0f;
    cudaArray_t arrays[2];
    cudaSurfaceObject_t surfaces[2];
    unsigned flags = cudaArraySurfaceLoadStore | cudaArrayTextureGather;
    for (int i = 0; i < 2; i++) {
        arrays[i] = array_of(cudaCreateChannelDesc<float>(), N, N, 0, flags);
        cudaResourceDesc resource = resource_of(arrays[i]);
        CHECK(cudaCreateSurfaceObject(&surfaces[i], &resource));
    }
    CHECK(cudaMemcpy2DToArray(arrays[0], 0, 0, field.data(), N * 4, N * 4, N, cudaMemcpyHostToDevice));
    for (int step = 0; step < 6; step++) {
        diffuse<<<dim3(3, 3), dim3(8, 8)>>>(surfaces[step % 2], surfaces[1 - step % 2]);
        for (int y = 0; y < N; y++)
            for (int x = 0; x < N; x++) {
                float left = x ? field[y * N + x - 1] : 0, right = field[y * N + (x < N - 1 ? x + 1 : x)];
                float up = field[(y ? y - 1 : 0) * N + x], down = y < N - 1 ? field[(y + 1) * N + x] : 0;
                other[y * N + x] = 0.25f * (left + right + up + down);
            }
        std::swap(field, other);
    }
    CHECK(cudaMemcpy2DFromArray(found.data(), N * 4, arrays[0], 0, 0, N * 4, N, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < N * N; i++) wrong += std::fabs(found[i] - field[i]) > 1e-6f;

    cudaArray_t volume = array_of(cudaCreateChannelDesc<short2>(), 8, 4, D, cudaArraySurfaceLoadStore);
    cudaResourceDesc resource = resource_of(volume);
    cudaSurfaceObject_t writable;
    CHECK(cudaCreateSurfaceObject(&writable, &resource));
    fill_volume<<<D, dim3(8, 4)>>>(writable);

    std::vector<float> stack(6 * 3 * 4);
    for (int i = 0; i < 72; i++) stack[i] = i * 3;
    cudaArray_t layers = array_of(cudaCreateChannelDesc<float>(), 6, 3, 4, cudaArrayLayered);
    cudaMemcpy3DParms copy = {};
    copy.srcPtr = make_cudaPitchedPtr(stack.data(), 6 * 4, 6, 3);
    copy.dstArray = layers;
    copy.extent = make_cudaExtent(6, 3, 4);
    copy.kind = cudaMemcpyHostToDevice;
    CHECK(cudaMemcpy3D(&copy));

    const int count = 40;
    std::vector<int2> numbers(count);
    for (int i = 0; i < count; i++) numbers[i] = make_int2(-i, i * i);
    int2* device_numbers;
    CHECK(cudaMalloc(&device_numbers, count * sizeof(int2)));
    CHECK(cudaMemcpy(device_numbers, numbers.data(), count * sizeof(int2), cudaMemcpyHostToDevice));
    cudaResourceDesc linear = {};
    linear.resType = cudaResourceTypeLinear;
    linear.res.linear.devPtr = device_numbers;
    linear.res.linear.desc = cudaCreateChannelDesc<int2>();
    linear.res.linear.sizeInBytes = count * sizeof(int2);

    float *out, seen[128];
    CHECK(cudaMalloc(&out, sizeof seen));
    look<<<1, 32>>>(texture_of(resource_of(arrays[0])), texture_of(resource), texture_of(resource_of(layers)),
                    texture_of(linear), count, out);
    CHECK(cudaMemcpy(seen, out, sizeof seen, cudaMemcpyDeviceToHost));
    for (int i = 0; i < 32; i++) {
        int x = i % 5, y = i % 7;
        const float* f = field.data();
        float gathered = f[(y + 1) * N + x] + 2 * f[(y + 1) * N + x + 1] + 4 * f[y * N + x + 1] + 8 * f[y * N + x];
        int z = i % D, behind = i + count - 16;
        wrong += std::fabs(seen[i] - gathered) > 1e-5f;
        wrong += seen[32 + i] != (i % 8 + 10 * (i % 4)) * 100 - z;
        wrong += std::fabs(seen[64 + i] - ((i % 4 * 18 + i % 3 * 6 + i % 6) * 3 + f[N + 1])) > 1e-4f;
        wrong += seen[96 + i] != (behind < count ? -behind + 1000 * behind * behind : 0);
    }
    std::printf("%d wrong\n", wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
