// Half a warp waits at a shuffle that names all lanes, the other half at a barrier of the block.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void broadcast(int* values) {
    int i = threadIdx.x;
    if (i < 16)
        values[i] = __shfl_sync(0xffffffff, values[i], 20);  // BUG deadlock
    else
        __syncthreads();
}

int main() {
    int values[32] = {}, *d_values;
    CHECK(cudaMalloc(&d_values, sizeof values));
    CHECK(cudaMemcpy(d_values, values, sizeof values, cudaMemcpyHostToDevice));
    broadcast<<<1, 32>>>(d_values);
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaMemcpy(values, d_values, sizeof values, cudaMemcpyDeviceToHost));
    std::printf("first %d\n", values[0]);
}
