// A kernel follows a pointer that was never set; the guilty line is in a function of its own.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

struct List {
    int length;
    float* items;
};

__device__ __noinline__ float sum_of(const List& list) {
    float sum = 0;
    for (int i = 0; i < list.length; i++)
        sum += list.items[i];  // BUG null pointer
    return sum;
}

__global__ void read(List list, float* out) { out[threadIdx.x] = sum_of(list) + threadIdx.x; }

int main() {
    float out[32], *d_out;
    CHECK(cudaMalloc(&d_out, sizeof out));
    read<<<1, 32>>>(List{3, nullptr}, d_out);
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    std::printf("out[0] %g\n", out[0]);
}
