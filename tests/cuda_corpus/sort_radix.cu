// Radix sort by hand in one block: one bit at a time, a ballot-based split, stable.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int n = 256;

__global__ void sort(unsigned* values) {
    __shared__ unsigned buffer[n], zeros_of_warp[n / 32];
    int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
    unsigned value = values[tid];
    for (int bit = 0; bit < 16; bit++) {
        bool zero = !((value >> bit) & 1);
        unsigned zeros = __ballot_sync(0xffffffff, zero);
        if (lane == 0) zeros_of_warp[warp] = __popc(zeros);
        __syncthreads();
        int zeros_before = __popc(zeros & ((1u << lane) - 1)), all_zeros = 0;
        for (int w = 0; w < n / 32; w++) {
            if (w < warp) zeros_before += zeros_of_warp[w];
            all_zeros += zeros_of_warp[w];
        }
        buffer[zero ? zeros_before : all_zeros + tid - zeros_before] = value;
        __syncthreads();
        value = buffer[tid];
    }
    values[tid] = value;
}

int main() {
    unsigned values[n], expected[n], *d_values;
    for (int i = 0; i < n; i++) expected[i] = values[i] = (i * 40503u + 7) & 0xffff;
    CHECK(cudaMalloc(&d_values, sizeof values));
    CHECK(cudaMemcpy(d_values, values, sizeof values, cudaMemcpyHostToDevice));
    sort<<<1, n>>>(d_values);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(values, d_values, sizeof values, cudaMemcpyDeviceToHost));
    std::sort(expected, expected + n);
    int wrong = 0;
    for (int i = 0; i < n; i++) wrong += values[i] != expected[i];
    std::printf("first %u, last %u, %d wrong\n", values[0], values[n - 1], wrong);
    std::puts(wrong ? "FAIL order differs" : "PASS");
    return wrong != 0;
}
