// The C interface to cp.async: __pipeline_memcpy_async of 4, 8 and 16 bytes, commit, wait_prior, and zero fill.
#include <cuda_pipeline.h>

#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int threads = 32, stages = 3, tiles = 8;

__global__ void sums(int n, const float4* in, float* out) {
    __shared__ float4 buffers[stages][threads];
    for (int stage = 0; stage < stages - 1; stage++) {
        __pipeline_memcpy_async(&buffers[stage][threadIdx.x], &in[stage * threads + threadIdx.x], 16);
        __pipeline_commit();
    }
    float sum = 0;
    for (int tile = 0; tile < tiles; tile++) {
        int next = tile + stages - 1;
        if (next < tiles) {
            int i = next * threads + threadIdx.x;
            __pipeline_memcpy_async(&buffers[next % stages][threadIdx.x], &in[i < n ? i : 0], 16, i < n ? 0 : 16);
        }
        __pipeline_commit();
        __pipeline_wait_prior(stages - 1);
        __syncthreads();
        float4 value = buffers[tile % stages][(threadIdx.x + 1) % threads];
        sum += value.x + 2 * value.y + 3 * value.z + 4 * value.w;
        __syncthreads();
    }
    out[threadIdx.x] = sum;
}

__global__ void sizes(const char* in, char* out) {
    __shared__ __align__(16) char bytes[32 * 8];
    __pipeline_memcpy_async(bytes + threadIdx.x * 8, in + threadIdx.x * 8, 4);
    __pipeline_memcpy_async(bytes + threadIdx.x * 8 + 4, in + threadIdx.x * 8 + 4, 4);
    __pipeline_commit();
    __pipeline_wait_prior(0);
    __syncthreads();
    for (int i = 0; i < 8; i++) out[threadIdx.x * 8 + i] = bytes[(threadIdx.x * 8 + i) ^ 9];
    __syncthreads();
    __pipeline_memcpy_async(bytes + threadIdx.x * 8, in + (31 - threadIdx.x) * 8, 8);
    __pipeline_commit();
    __pipeline_wait_prior(0);
    out[256 + threadIdx.x] = bytes[threadIdx.x * 8 + 7];
}

int main() {
    const int n = threads * tiles - 5;
    float4 in[threads * tiles], *d_in;
    float out[threads], *d_out;
    char text[256], copied[288], *d_text, *d_copied;
    for (int i = 0; i < threads * tiles; i++) in[i] = make_float4(i, i % 3, i % 5, 1);
    for (int i = 0; i < 256; i++) text[i] = (char)i;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_text, sizeof text));
    CHECK(cudaMalloc(&d_copied, sizeof copied));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_text, text, sizeof text, cudaMemcpyHostToDevice));
    sums<<<1, threads>>>(n, d_in, d_out);
    sizes<<<1, 32>>>(d_text, d_copied);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(copied, d_copied, sizeof copied, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int thread = 0; thread < threads; thread++) {
        float sum = 0;
        for (int tile = 0; tile < tiles; tile++) {
            int i = tile * threads + (thread + 1) % threads;
            if (i < n) sum += in[i].x + 2 * in[i].y + 3 * in[i].z + 4 * in[i].w;
        }
        wrong += out[thread] != sum;
        wrong += copied[256 + thread] != text[(31 - thread) * 8 + 7];
    }
    for (int i = 0; i < 256; i++) wrong += copied[i] != text[i ^ 9];
    std::printf("out[0] = %g, out[31] = %g, %d wrong\n", out[0], out[31], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
