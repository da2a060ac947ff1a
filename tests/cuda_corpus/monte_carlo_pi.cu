// Estimates pi with a random-number generator of its own (xorshift), one stream per thread; integer hits are exact.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

struct Xorshift {
    unsigned state;
    __host__ __device__ explicit Xorshift(unsigned seed) : state(seed * 2654435769u + 1u) {}
    __host__ __device__ unsigned next() {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        return state;
    }
};

__host__ __device__ unsigned hits_of(int stream, int draws) {
    Xorshift random(stream + 1);
    unsigned hits = 0;
    for (int i = 0; i < draws; i++) {
        unsigned long long x = random.next() >> 8, y = random.next() >> 8;
        hits += x * x + y * y <= (1ull << 48);
    }
    return hits;
}

__global__ void throw_darts(int draws, unsigned* hits) {
    unsigned mine = hits_of(blockIdx.x * blockDim.x + threadIdx.x, draws);
    mine = __reduce_add_sync(0xffffffff, mine);
    if (threadIdx.x % 32 == 0) atomicAdd(hits, mine);
}

int main() {
    const int blocks = 4, threads = 64, draws = 100;
    unsigned *d_hits, hits, expected = 0;
    CHECK(cudaMalloc(&d_hits, sizeof hits));
    CHECK(cudaMemset(d_hits, 0, sizeof hits));
    throw_darts<<<blocks, threads>>>(draws, d_hits);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&hits, d_hits, sizeof hits, cudaMemcpyDeviceToHost));
    for (int stream = 0; stream < blocks * threads; stream++) expected += hits_of(stream, draws);
    double pi = 4.0 * hits / (blocks * threads * draws);
    std::printf("%u hits, expected %u, pi about %.4f\n", hits, expected, pi);
    bool right = hits == expected && std::fabs(pi - 3.14159) < 0.05;
    std::puts(right ? "PASS" : "FAIL hits differ");
    return !right;
}
