// One mistake for each argument. Prints: the launch's error, the error of waiting for it, the error of a call after that.
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cstring>

__global__ void put(int *where, int offset) {
    where[(int)threadIdx.x + offset] = 1;    // put
}

__global__ void put_misaligned(char *where) {
    *(int *)(where + 1) = 1;    // put_misaligned
}

__global__ void read_shared(int *out, int offset) {
    __shared__ int room[32];
    room[threadIdx.x] = 1;
    __syncthreads();
    out[threadIdx.x] = room[threadIdx.x + offset];    // read_shared
}

__global__ void use_dynamic() {
    extern __shared__ int room[];
    room[threadIdx.x] = 1;    // use_dynamic
}

__global__ void read_unwritten(int *out) {
    __shared__ int room[64];
    room[threadIdx.x] = 1;
    __syncthreads();
    out[threadIdx.x] = room[threadIdx.x + 32];    // read_unwritten
}

__global__ void divergent(int *out) {
    if (threadIdx.x < 16) {
        __syncthreads();
    } else {
        out[0] = 1;
        __syncthreads();    // divergent
    }
}

__global__ void skip_barrier(int *out) {
    if (threadIdx.x < 16) return;
    __syncthreads();    // skip_barrier
    out[threadIdx.x] = 1;
}

__global__ void missing_lanes(int *out) {
    if (threadIdx.x < 16)
        out[threadIdx.x] = __shfl_sync(~0u, 1, 0);    // missing_lanes
    else
        __syncthreads();
}

__global__ void fail_assertion(int x) {
    assert(x == 3);    // fail_assertion
}

__global__ void read_local(int *out, int offset) {
    int numbers[8];
    for (int i = 0; i < 8; i++) numbers[i] = out[i];
    out[0] = numbers[offset];    // read_local
}

__global__ void overrun_heap(int count) {
    int *numbers = (int *)malloc(40);
    for (int i = 0; i < count; i++) numbers[i] = 1;    // overrun_heap
    free(numbers);
}

__global__ void race(int *out) {
    __shared__ int room[64];
    room[threadIdx.x] = threadIdx.x;
    __syncthreads();
    int mine = room[(threadIdx.x + 1) % 64];
    room[threadIdx.x] = mine;    // race
    out[threadIdx.x] = mine;
}

__global__ void read_texture(cudaTextureObject_t texture, float *out) {
    out[threadIdx.x] = tex2D<float>(texture, threadIdx.x, 0);    // read_texture
}

__global__ void read_surface(cudaSurfaceObject_t surface, float *out) {
    out[threadIdx.x] = surf2Dread<float>(surface, threadIdx.x, 0);    // read_surface
}

static void textures(const char *mistake, float *out) {
    cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
    cudaResourceDesc resource = {};
    cudaTextureDesc wanted = {};
    cudaTextureObject_t texture;
    cudaSurfaceObject_t surface;
    cudaMallocArray(&resource.res.array.array, &format, 4, 4, cudaArraySurfaceLoadStore);
    cudaCreateTextureObject(&texture, &resource, &wanted, nullptr);
    cudaCreateSurfaceObject(&surface, &resource);
    if (strcmp(mistake, "texture destroyed") == 0) cudaDestroyTextureObject(texture);
    if (strcmp(mistake, "texture of a freed array") == 0) cudaFreeArray(resource.res.array.array);
    if (strcmp(mistake, "surface by elements") == 0)
        read_surface<<<1, 4>>>(surface, out);
    else
        read_texture<<<1, 4>>>(texture, out);
}

// No race: neighbouring bytes, atomics, warp operations, a lock, and the block that comes last.
__global__ void in_order(int *out) {
    __shared__ char bytes[64];
    __shared__ int sum, lock, warps[2];
    __shared__ volatile int total;
    bytes[threadIdx.x] = 1;
    if (threadIdx.x == 0) sum = lock = total = 0;
    __syncthreads();
    atomicAdd(&sum, bytes[63 - threadIdx.x]);
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = threadIdx.x;
    __syncwarp();
    int mine = warps[threadIdx.x / 32];
    while (atomicCAS(&lock, 0, 1) != 0) {
    }
    total = total + mine;
    __threadfence_block();
    atomicExch(&lock, 0);
    __syncthreads();
    out[threadIdx.x] = sum + total;
}

int main(int, char **arguments) {
    const char *mistake = arguments[1];
    auto is = [&](const char *name) { return strcmp(mistake, name) == 0; };
    int *device, *host = (int *)malloc(4000), *none = nullptr;
    cudaMalloc(&device, 4000);
    cudaMemset(device, 0, 4000);
    if (is("past the end")) put<<<1, 32>>>(device, 1000 - 16);
    if (is("before the start")) put<<<1, 32>>>(device, -1);
    if (is("host memory")) put<<<1, 32>>>(host, 0);
    if (is("null pointer")) put<<<1, 32>>>(none, 0);
    if (is("freed memory")) cudaFree(device), put<<<1, 32>>>(device, 0);
    if (is("misaligned")) put_misaligned<<<1, 1>>>((char *)device);
    if (is("shared past the end")) read_shared<<<1, 32>>>(device, 1);
    if (is("no dynamic shared memory")) use_dynamic<<<1, 32>>>();
    if (is("shared not written")) read_unwritten<<<1, 32>>>(device);
    if (is("divergent barrier")) divergent<<<1, 32>>>(device);
    if (is("barrier after return")) skip_barrier<<<1, 32>>>(device);
    if (is("missing lanes")) missing_lanes<<<1, 32>>>(device);
    if (is("assertion")) fail_assertion<<<1, 1>>>(2);
    if (is("local past the end")) read_local<<<1, 1>>>(device, 9);
    if (is("heap past the end")) overrun_heap<<<1, 1>>>(11);
    if (is("race")) race<<<1, 64>>>(device);
    if (is("none")) in_order<<<4, 64>>>(device);
    if (is("copy too long")) cudaMemcpy(host, device, 5000, cudaMemcpyDeviceToHost);
    if (is("copy in the wrong direction")) cudaMemcpy(host, device, 400, cudaMemcpyHostToDevice);
    if (is("freed twice")) cudaFree(device), cudaFree(device);
    if (is("free of host memory")) cudaFree(host);
    if (is("not emulated")) cudaMallocMipmappedArray((cudaMipmappedArray_t *)host, nullptr, cudaExtent(), 10);
    if (strstr(mistake, "texture") || strstr(mistake, "surface")) textures(mistake, (float *)device);
    if (is("used by the host")) printf("%d\n", device[1]);
    if (is("never freed")) return 0;
    cudaError_t launched = cudaGetLastError(), waited = cudaDeviceSynchronize(), after = cudaMalloc(&device, 4);
    printf("%d %d %d\n", launched, waited, after);
}
