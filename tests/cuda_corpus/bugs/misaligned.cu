// A float4 load from an address that is no multiple of 16.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void sum(const float* in, float* out) {
    const float4* quads = reinterpret_cast<const float4*>(in + 1);
    float4 quad = quads[threadIdx.x];  // BUG misaligned
    out[threadIdx.x] = quad.x + quad.y + quad.z + quad.w;
}

int main() {
    float in[256] = {}, out[32], *d_in, *d_out;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    sum<<<1, 32>>>(d_in, d_out);
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    std::printf("out[0] %g\n", out[0]);
}
