// Exclusive prefix sum, Blelloch: up-sweep, down-sweep, padding against bank conflicts, then block sums added in.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

#define PADDED(i) ((i) + ((i) >> 5))

const int threads = 128, tile = 2 * threads;

__global__ void scan_tiles(const unsigned* in, unsigned* out, unsigned* sums) {
    __shared__ unsigned values[PADDED(tile)];
    int tid = threadIdx.x, first = blockIdx.x * tile;
    values[PADDED(2 * tid)] = in[first + 2 * tid];
    values[PADDED(2 * tid + 1)] = in[first + 2 * tid + 1];
    int offset = 1;
    for (int active = tile / 2; active > 0; active /= 2, offset *= 2) {
        __syncthreads();
        if (tid < active)
            values[PADDED(offset * (2 * tid + 2) - 1)] += values[PADDED(offset * (2 * tid + 1) - 1)];
    }
    if (tid == 0) {
        sums[blockIdx.x] = values[PADDED(tile - 1)];
        values[PADDED(tile - 1)] = 0;
    }
    for (int active = 1; active < tile; active *= 2) {
        offset /= 2;
        __syncthreads();
        if (tid < active) {
            int left = PADDED(offset * (2 * tid + 1) - 1), right = PADDED(offset * (2 * tid + 2) - 1);
            unsigned value = values[left];
            values[left] = values[right];
            values[right] += value;
        }
    }
    __syncthreads();
    out[first + 2 * tid] = values[PADDED(2 * tid)];
    out[first + 2 * tid + 1] = values[PADDED(2 * tid + 1)];
}

__global__ void add_sums(unsigned* out, const unsigned* sums) {
    for (int i = threadIdx.x; i < tile; i += blockDim.x) out[blockIdx.x * tile + i] += sums[blockIdx.x];
}

int main() {
    const int n = tile * tile / 4, blocks = n / tile;
    static unsigned in[n], out[n];
    const size_t sums_bytes = tile * sizeof(unsigned);
    for (int i = 0; i < n; i++) in[i] = i % 17;
    unsigned *d_in, *d_out, *d_sums, *d_scanned, *d_total;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_sums, sums_bytes));
    CHECK(cudaMalloc(&d_scanned, sums_bytes));
    CHECK(cudaMalloc(&d_total, sizeof(unsigned)));
    CHECK(cudaMemset(d_sums, 0, sums_bytes));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    scan_tiles<<<blocks, threads>>>(d_in, d_out, d_sums);
    scan_tiles<<<1, threads>>>(d_sums, d_scanned, d_total);
    add_sums<<<blocks, threads>>>(d_out, d_scanned);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    unsigned sum = 0, total;
    CHECK(cudaMemcpy(&total, d_total, sizeof total, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < n; i++) {
        wrong += out[i] != sum;
        sum += in[i];
    }
    std::printf("%d blocks, total %u, expected %u, %d wrong\n", blocks, total, sum, wrong);
    bool right = !wrong && total == sum;
    std::puts(right ? "PASS" : "FAIL scan differs");
    return !right;
}
