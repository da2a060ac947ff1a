// A kernel reads an array that the host has freed already.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void scale(int n, const int* in, int* out) {
    int i = threadIdx.x;
    if (i < n) out[i] = 2 * in[i];  // BUG use after free
}

int main() {
    const int n = 64;
    int in[n] = {}, out[n], *d_in, *d_out;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    CHECK(cudaFree(d_in));
    scale<<<1, n>>>(n, d_in, d_out);
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    std::printf("out[0] %d\n", out[0]);
}
