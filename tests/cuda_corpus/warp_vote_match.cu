// Votes and matches: ballot, any, all, activemask, match_any, match_all, reduce_sync, within branches too.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

struct Votes {
    unsigned ballot, any_all, part, match, match_all, sum, least, bits, lanes_below;
    int signed_least, all_same;
};

__global__ void vote(Votes* votes) {
    int lane = threadIdx.x;
    Votes v = {};
    v.ballot = __ballot_sync(0xffffffff, lane % 3 == 1);
    v.any_all = __any_sync(0xffffffff, lane == 31) + 2 * __all_sync(0xffffffff, lane < 31) + 4 * __all_sync(0xffffffff, lane < 32);
    if (lane % 2) v.part = __ballot_sync(0xaaaaaaaa, lane > 10);
    else v.part = __ballot_sync(0x55555555, lane > 20);
    v.match = __match_any_sync(0xffffffff, (long long)(lane * lane % 7) << 40);
    v.match_all = __match_all_sync(0xffffffff, 17, &v.all_same);
    v.sum = __reduce_add_sync(0xffffffff, (unsigned)lane);
    v.least = __reduce_min_sync(0xffffffff, 100u - lane);
    v.signed_least = __reduce_min_sync(0xffffffff, lane - 16);
    v.bits = __reduce_or_sync(0xffffffff, 1u << lane) ^ __reduce_xor_sync(0xffffffff, (unsigned)lane) ^ __reduce_and_sync(0xffffffff, ~0u << lane);
    asm("mov.u32 %0, %%lanemask_lt;" : "=r"(v.lanes_below));
    if (lane == 4) v.part |= __activemask() ? 0 : 1;
    votes[lane] = v;
}

int main() {
    Votes votes[32], *d_votes;
    CHECK(cudaMalloc(&d_votes, sizeof votes));
    vote<<<1, 32>>>(d_votes);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(votes, d_votes, sizeof votes, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int lane = 0; lane < 32; lane++) {
        unsigned ballot = 0, part = 0, match = 0;
        for (int other = 0; other < 32; other++) {
            if (other % 3 == 1) ballot |= 1u << other;
            if (other % 2 == lane % 2 && other > (lane % 2 ? 10 : 20)) part |= 1u << other;
            if (other * other % 7 == lane * lane % 7) match |= 1u << other;
        }
        const Votes& v = votes[lane];
        wrong += v.ballot != ballot || v.any_all != 5 || v.part != part || v.match != match || v.match_all != ~0u || !v.all_same;
        wrong += v.sum != 496 || v.least != 69 || v.signed_least != -16 || v.bits != (~0u ^ 0u ^ 0x80000000u);
        wrong += v.lanes_below != (1u << lane) - 1;
    }
    std::printf("ballot %08x, match of lane 3 %08x, %d wrong\n", votes[0].ballot, votes[3].match, wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
