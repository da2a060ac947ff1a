// Histogram with one private copy per warp: __match_any_sync elects one lane per value, so no atomics are needed.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int bins = 32, warps = 4;

__global__ void count(int n, const int* in, int* counts) {
    __shared__ int mine[warps][bins];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    mine[warp][lane] = 0;
    __syncwarp();
    for (int first = warp * 32; first < n; first += warps * 32) {
        int i = first + lane;
        unsigned active = __ballot_sync(0xffffffff, i < n);
        if (i < n) {
            int value = in[i];
            unsigned peers = __match_any_sync(active, value);
            if (__ffs(peers) - 1 == lane) mine[warp][value] += __popc(peers);
        }
        __syncwarp();
    }
    __syncthreads();
    if (threadIdx.x < bins) {
        int sum = 0;
        for (int w = 0; w < warps; w++) sum += mine[w][threadIdx.x];
        counts[threadIdx.x] = sum;
    }
}

int main() {
    const int n = 5003;
    static int in[n];
    int counts[bins], expected[bins] = {}, *d_in, *d_counts, wrong = 0;
    for (int i = 0; i < n; i++) expected[in[i] = (i * i + i / 3) % bins]++;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_counts, sizeof counts));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    count<<<1, warps * 32>>>(n, d_in, d_counts);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(counts, d_counts, sizeof counts, cudaMemcpyDeviceToHost));
    for (int bin = 0; bin < bins; bin++) wrong += counts[bin] != expected[bin];
    std::printf("bin 0: %d, bin 31: %d, %d wrong\n", counts[0], counts[31], wrong);
    std::puts(wrong ? "FAIL counts differ" : "PASS");
    return wrong != 0;
}
