// Keeps the elements that satisfy a predicate, in order: ballot and popcount within warps, a shared scan over warps.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void compact(int n, const int* in, int* out, int* count) {
    __shared__ int warp_counts[8], base;
    if (threadIdx.x == 0) base = 0;
    __syncthreads();
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    for (int first = 0; first < n; first += blockDim.x) {
        int i = first + threadIdx.x;
        bool keep = i < n && in[i] % 3 == 0;
        unsigned kept = __ballot_sync(0xffffffff, keep);
        if (lane == 0) warp_counts[warp] = __popc(kept);
        __syncthreads();
        int before = base;
        for (int w = 0; w < warp; w++) before += warp_counts[w];
        if (keep) out[before + __popc(kept & ((1u << lane) - 1))] = in[i];
        __syncthreads();
        if (threadIdx.x == 0)
            for (int w = 0; w < blockDim.x / 32; w++) base += warp_counts[w];
        __syncthreads();
    }
    if (threadIdx.x == 0) *count = base;
}

int main() {
    const int n = 3001;
    static int in[n], out[n], expected[n];
    int kept = 0, count, *d_in, *d_out, *d_count;
    for (int i = 0; i < n; i++) {
        in[i] = (i * 7 + 3) % 1013;
        if (in[i] % 3 == 0) expected[kept++] = in[i];
    }
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_count, sizeof count));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    compact<<<1, 256>>>(n, d_in, d_out, d_count);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&count, d_count, sizeof count, cudaMemcpyDeviceToHost));
    if (count == kept) CHECK(cudaMemcpy(out, d_out, count * sizeof(int), cudaMemcpyDeviceToHost));
    int wrong = count != kept;
    for (int i = 0; i < kept; i++) wrong += out[i] != expected[i];
    std::printf("kept %d of %d, expected %d, %d wrong\n", count, n, kept, wrong);
    std::puts(wrong ? "FAIL kept elements differ" : "PASS");
    return wrong != 0;
}
