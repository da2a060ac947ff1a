// Prefix sum in one pass, decoupled look-back: each block publishes its sum and spins on its predecessors.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int threads = 128;
const unsigned long long sum_ready = 1ull << 62, prefix_ready = 2ull << 62, value_mask = (1ull << 62) - 1;

__device__ unsigned next_tile;

__global__ void scan(int n, const unsigned* in, unsigned* out, volatile unsigned long long* status) {
    __shared__ unsigned values[threads], tile, before;
    if (threadIdx.x == 0) tile = atomicAdd(&next_tile, 1);  // tiles are taken in order, whatever order blocks start in
    __syncthreads();
    int i = tile * threads + threadIdx.x;
    unsigned value = i < n ? in[i] : 0;
    values[threadIdx.x] = value;
    __syncthreads();
    for (int offset = 1; offset < threads; offset *= 2) {
        unsigned below = threadIdx.x >= offset ? values[threadIdx.x - offset] : 0;
        __syncthreads();
        values[threadIdx.x] += below;
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        unsigned long long sum = values[threads - 1];
        unsigned prefix = 0;
        if (tile > 0) {
            status[tile] = sum_ready | sum;
            for (int other = tile - 1;;) {
                unsigned long long seen = status[other];
                if (seen == 0) continue;
                prefix += (unsigned)(seen & value_mask);
                if (seen & prefix_ready) break;
                other--;
            }
        }
        status[tile] = prefix_ready | (unsigned)(prefix + sum);
        before = prefix;
    }
    __syncthreads();
    if (i < n) out[i] = before + values[threadIdx.x];
}

int main() {
    const int n = 5000, tiles = (n + threads - 1) / threads;
    static unsigned in[n], out[n];
    for (int i = 0; i < n; i++) in[i] = (i * 31) % 97;
    unsigned *d_in, *d_out;
    unsigned long long* d_status;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_status, tiles * sizeof *d_status));
    CHECK(cudaMemset(d_status, 0, tiles * sizeof *d_status));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    scan<<<tiles, threads>>>(n, d_in, d_out, d_status);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    unsigned sum = 0;
    int wrong = 0;
    for (int i = 0; i < n; i++) wrong += out[i] != (sum += in[i]);
    std::printf("%d tiles, last %u, expected %u, %d wrong\n", tiles, out[n - 1], sum, wrong);
    std::puts(wrong ? "FAIL scan differs" : "PASS");
    return wrong != 0;
}
