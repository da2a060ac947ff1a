// Cooperative groups: tiles of 4, 8 and 16, shfl, any, all, ballot, and sub-tiles of tiles.
#include <cooperative_groups.h>

#include <cstdio>
#include <cstdlib>

namespace cg = cooperative_groups;

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

template <typename Tile>
__device__ int tile_sum(const Tile& tile, int value) {
    for (int offset = tile.size() / 2; offset > 0; offset /= 2) value += tile.shfl_xor(value, offset);
    return value;
}

__global__ void use(int* sums, int* firsts, unsigned* ballots, int* ranks) {
    auto block = cg::this_thread_block();
    int i = block.thread_rank();
    auto sixteen = cg::tiled_partition<16>(block);
    auto four = cg::tiled_partition<4>(sixteen);
    auto eight = cg::tiled_partition<8>(block);
    sums[i] = tile_sum(four, i) * 1000 + tile_sum(sixteen, 1);
    firsts[i] = eight.shfl(i, 0) * 100 + four.shfl_down(i, 1);
    ballots[i] = four.ballot(i % 3 == 0) | (sixteen.any(i == 20) ? 0x100 : 0) | (eight.all(i < 24) ? 0x200 : 0);
    ranks[i] = four.thread_rank() * 100 + four.meta_group_rank() * 10 + four.meta_group_size();
    block.sync();
}

int main() {
    const int n = 64;
    int sums[n], firsts[n], ranks[n], *d_sums, *d_firsts, *d_ranks, wrong = 0;
    unsigned ballots[n], *d_ballots;
    CHECK(cudaMalloc(&d_sums, sizeof sums));
    CHECK(cudaMalloc(&d_firsts, sizeof firsts));
    CHECK(cudaMalloc(&d_ranks, sizeof ranks));
    CHECK(cudaMalloc(&d_ballots, sizeof ballots));
    use<<<1, dim3(8, 8)>>>(d_sums, d_firsts, d_ballots, d_ranks);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(sums, d_sums, sizeof sums, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(firsts, d_firsts, sizeof firsts, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(ranks, d_ranks, sizeof ranks, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(ballots, d_ballots, sizeof ballots, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) {
        int quad = i / 4 * 4, next = i % 4 == 3 ? i : i + 1;
        unsigned ballot = i / 16 == 1 ? 0x100 : 0;
        for (int lane = 0; lane < 4; lane++) ballot |= (quad + lane) % 3 == 0 ? 1u << lane : 0;
        if (i < 24) ballot |= 0x200;
        wrong += sums[i] != (4 * quad + 6) * 1000 + 16;
        wrong += firsts[i] != i / 8 * 800 + next;
        wrong += ballots[i] != ballot;
        wrong += ranks[i] != i % 4 * 100 + i % 16 / 4 * 10 + 4;
    }
    std::printf("sums[9] = %d, ballots[21] = %x, ranks[14] = %d, %d wrong\n", sums[9], ballots[21], ranks[14], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
