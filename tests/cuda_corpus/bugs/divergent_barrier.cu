// A barrier inside a branch that half of the block's warps never take.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void smooth(int n, int* values) {
    __shared__ int copy[128];
    int i = threadIdx.x;
    if (i < n) {
        copy[i] = values[i];
        __syncthreads();  // BUG divergent barrier
        values[i] = copy[i] + copy[(i + 1) % n];
    }
    __syncthreads();
    if (i == 0) values[0] = 7;
}

int main() {
    int values[128] = {}, *d_values;
    CHECK(cudaMalloc(&d_values, sizeof values));
    CHECK(cudaMemcpy(d_values, values, sizeof values, cudaMemcpyHostToDevice));
    smooth<<<1, 128>>>(64, d_values);
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaMemcpy(values, d_values, sizeof values, cudaMemcpyDeviceToHost));
    std::printf("first %d\n", values[0]);
}
