// Reduction, style 7: cooperative groups: cg::reduce over a tile, with plus, less, greater and bit_xor.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cstdio>
#include <cstdlib>

namespace cg = cooperative_groups;

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

struct Result {
    int sum, least, greatest;
    unsigned parity;
};

__global__ void reduce(int n, const int* in, Result* result) {
    auto block = cg::this_thread_block();
    auto tile = cg::tiled_partition<32>(block);
    int sum = 0, least = 1 << 30, greatest = -(1 << 30);
    unsigned parity = 0;
    for (int i = block.thread_rank(); i < n; i += block.size()) {
        sum += in[i];
        least = min(least, in[i]);
        greatest = max(greatest, in[i]);
        parity ^= (unsigned)in[i];
    }
    sum = cg::reduce(tile, sum, cg::plus<int>());
    least = cg::reduce(tile, least, cg::less<int>());
    greatest = cg::reduce(tile, greatest, cg::greater<int>());
    parity = cg::reduce(tile, parity, cg::bit_xor<unsigned>());
    if (tile.thread_rank() == 0) {
        atomicAdd(&result->sum, sum);
        atomicMin(&result->least, least);
        atomicMax(&result->greatest, greatest);
        atomicXor(&result->parity, parity);
    }
}

int main() {
    const int n = 3333;
    static int in[n];
    Result expected = {0, 1 << 30, -(1 << 30), 0}, result = expected;
    for (int i = 0; i < n; i++) {
        in[i] = (i * 48271) % 20011 - 10000;
        expected.sum += in[i];
        if (in[i] < expected.least) expected.least = in[i];
        if (in[i] > expected.greatest) expected.greatest = in[i];
        expected.parity ^= (unsigned)in[i];
    }
    int* d_in;
    Result* d_result;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_result, sizeof result));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_result, &result, sizeof result, cudaMemcpyHostToDevice));
    reduce<<<1, 192>>>(n, d_in, d_result);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&result, d_result, sizeof result, cudaMemcpyDeviceToHost));
    std::printf("sum %d, least %d, greatest %d, parity %08x\n", result.sum, result.least, result.greatest, result.parity);
    bool right = result.sum == expected.sum && result.least == expected.least && result.greatest == expected.greatest &&
                 result.parity == expected.parity;
    std::puts(right ? "PASS" : "FAIL results differ");
    return !right;
}
