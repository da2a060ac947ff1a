// Shuffles of every kind: idx, up, down, xor; widths below 32; double and 64-bit values; lanes out of range.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int kinds = 8;

__global__ void shuffle(long long* out) {
    int lane = threadIdx.x;
    long long* mine = out + lane * kinds;
    mine[0] = __shfl_sync(0xffffffff, lane * 10, 5);
    mine[1] = __shfl_up_sync(0xffffffff, lane, 3);
    mine[2] = __shfl_down_sync(0xffffffff, lane, 7);
    mine[3] = __shfl_xor_sync(0xffffffff, lane, 12);
    mine[4] = __shfl_sync(0xffffffff, lane, lane + 3, 8);
    mine[5] = __shfl_up_sync(0xffffffff, lane * 1000000000000LL, 1, 16);
    mine[6] = (long long)(__shfl_down_sync(0xffffffff, lane + 0.25, 2, 4) * 4);
    if (lane < 16) mine[7] = __shfl_xor_sync(0x0000ffff, lane, 1);
    else mine[7] = __shfl_sync(0xffff0000, lane, 31 - lane % 16);
}

int main() {
    long long out[32 * kinds], *d_out;
    CHECK(cudaMalloc(&d_out, sizeof out));
    shuffle<<<1, 32>>>(d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int lane = 0; lane < 32; lane++) {
        int below = lane % 16 ? lane - 1 : lane, ahead = lane % 4 < 2 ? lane + 2 : lane;
        long long expected[kinds] = {50, lane < 3 ? lane : lane - 3, lane > 24 ? lane : lane + 7, lane ^ 12, lane / 8 * 8 + (lane + 3) % 8,
                                     below * 1000000000000LL, ahead * 4 + 1, lane < 16 ? lane ^ 1 : 31 - lane % 16};
        for (int kind = 0; kind < kinds; kind++) {
            if (out[lane * kinds + kind] == expected[kind]) continue;
            std::printf("kind %d, lane %d: %lld, expected %lld\n", kind, lane, out[lane * kinds + kind], expected[kind]);
            wrong++;
        }
    }
    std::printf("%d wrong\n", wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
