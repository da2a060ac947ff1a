// Named barriers in inline PTX: two producer warps and two consumer warps meet with bar.sync and bar.arrive; bar.red counts.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__device__ void sync(int barrier, int threads) { asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory"); }
__device__ void arrive(int barrier, int threads) { asm volatile("bar.arrive %0, %1;" ::"r"(barrier), "r"(threads) : "memory"); }

const int full = 1, empty = 2, rounds = 4, half = 64;

__global__ void exchange(int* out, int* counts) {
    __shared__ int buffer[half];
    int i = threadIdx.x % half;
    if (threadIdx.x < half) {
        for (int round = 0; round < rounds; round++) {
            if (round > 0) sync(empty, 2 * half);
            buffer[i] = round * 100 + i;
            arrive(full, 2 * half);
        }
    } else {
        for (int round = 0; round < rounds; round++) {
            sync(full, 2 * half);
            out[round * half + i] = buffer[half - 1 - i];
            if (round + 1 < rounds) arrive(empty, 2 * half);
        }
    }
    __syncthreads();
    counts[threadIdx.x] = __syncthreads_count(threadIdx.x % 3 == 0) * 100 + __syncthreads_and(threadIdx.x < 1000) * 10 + (__syncthreads_or(threadIdx.x == 77) != 0);
}

int main() {
    int out[rounds * half], counts[2 * half], *d_out, *d_counts, wrong = 0;
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_counts, sizeof counts));
    exchange<<<1, 2 * half>>>(d_out, d_counts);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(counts, d_counts, sizeof counts, cudaMemcpyDeviceToHost));
    for (int i = 0; i < rounds * half; i++) wrong += out[i] != i / half * 100 + half - 1 - i % half;
    for (int count : counts) wrong += count != 43 * 100 + 11;
    std::printf("out[70] = %d, count %d, %d wrong\n", out[70], counts[0], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
