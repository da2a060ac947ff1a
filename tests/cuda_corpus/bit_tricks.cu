// Integer intrinsics: popc, clz, ffs, brev, byte_perm, funnel shifts, mulhi, mul24, sad, averages, dp4a, SIMD in a word.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int operations = 22;

__global__ void compute(const uint32_t* a, const uint32_t* b, uint64_t* out) {
    int i = threadIdx.x;
    uint32_t x = a[i], y = b[i];
    int sx = (int)x, sy = (int)y;
    uint64_t *o = out + i * operations, wide = (uint64_t)x << 32 | y;
    o[0] = __popc(x) + 100 * __popcll(wide);
    o[1] = __clz(x) + 100 * __clzll(wide >> 5);
    o[2] = __ffs(x) + 100 * __ffsll((long long)wide << 7);
    o[3] = __brev(x);
    o[4] = __brevll(wide);
    o[5] = __byte_perm(x, y, 0x5146);
    o[6] = __funnelshift_l(x, y, 5) ^ ((uint64_t)__funnelshift_r(x, y, 13) << 32);
    o[7] = __funnelshift_lc(x, y, 40) ^ ((uint64_t)__funnelshift_rc(x, y, 40) << 32);
    o[8] = __umulhi(x, y);
    o[9] = (uint32_t)__mulhi(sx, sy);
    o[10] = __umul64hi(wide, ~wide);
    o[11] = (uint32_t)__mul24(sx, sy) ^ ((uint64_t)__umul24(x, y) << 32);
    o[12] = __usad(x, y, 7) ^ ((uint64_t)__sad(sx, sy, 9) << 32);
    o[13] = (uint32_t)__hadd(sx, sy) ^ ((uint64_t)__rhadd(sx, sy) << 32);
    o[14] = __uhadd(x, y) ^ ((uint64_t)__urhadd(x, y) << 32);
    o[15] = (uint32_t)__dp4a(sx, sy, 1000) ^ ((uint64_t)__dp4a(x, y, 5u) << 32);
    o[16] = (uint32_t)__dp2a_lo(sx, sy, 3) ^ ((uint64_t)__dp2a_hi(x, y, 3u) << 32);
    o[17] = __vadd4(x, y) ^ ((uint64_t)__vmaxu4(x, y) << 32);
    o[18] = __vabsdiffu4(x, y) ^ ((uint64_t)__vcmpeq4(x, y) << 32);
    o[19] = (uint64_t)(wide / (x | 1)) ^ (uint64_t)((int64_t)wide % (sy | 1));
    o[20] = (uint32_t)(sx >> (y & 31)) ^ ((uint64_t)(x << (y & 31)) << 32);
    uint32_t field, placed;
    asm("bfe.u32 %0, %1, 7, 11;" : "=r"(field) : "r"(x));
    asm("bfi.b32 %0, %1, %2, 9, 6;" : "=r"(placed) : "r"(x), "r"(y));
    o[21] = field ^ (uint64_t)placed << 32;
}

uint32_t bytes_of(uint32_t x, uint32_t y, uint32_t (*f)(uint32_t, uint32_t)) {
    uint32_t result = 0;
    for (int i = 0; i < 32; i += 8) result |= (f(x >> i & 255, y >> i & 255) & 255) << i;
    return result;
}

void reference(uint32_t x, uint32_t y, uint64_t* o) {
    int32_t sx = (int32_t)x, sy = (int32_t)y;
    uint64_t wide = (uint64_t)x << 32 | y, reversed = 0, joined = (uint64_t)y << 32 | x;
    for (int i = 0; i < 64; i++) reversed |= (wide >> i & 1) << (63 - i);
    uint64_t shifted = wide << 7;
    auto clz64 = [](uint64_t v) { return v ? __builtin_clzll(v) : 64; };
    o[0] = __builtin_popcount(x) + 100 * __builtin_popcountll(wide);
    o[1] = (x ? __builtin_clz(x) : 32) + 100 * clz64(wide >> 5);
    o[2] = __builtin_ffs(x) + 100 * __builtin_ffsll(shifted);
    o[3] = reversed & 0xffffffff;  // the low half of wide is y; corrected below
    uint32_t reversed_x = 0;
    for (int i = 0; i < 32; i++) reversed_x |= (x >> i & 1) << (31 - i);
    o[3] = reversed_x;
    o[4] = reversed;
    uint8_t pool[8];
    for (int i = 0; i < 4; i++) pool[i] = x >> 8 * i, pool[4 + i] = y >> 8 * i;
    o[5] = pool[6] | pool[4] << 8 | pool[1] << 16 | (uint32_t)pool[5] << 24;
    o[6] = (uint32_t)(joined << 5 >> 32) ^ (uint64_t)(uint32_t)(joined >> 13) << 32;
    o[7] = (uint32_t)x ^ (uint64_t)y << 32;  // a clamped shift by 32 moves a whole word
    o[8] = (uint64_t)x * y >> 32;
    o[9] = (uint32_t)((int64_t)sx * sy >> 32);
    o[10] = (unsigned __int128)wide * ~wide >> 64;
    int32_t x24 = (int32_t)(x << 8) >> 8, y24 = (int32_t)(y << 8) >> 8;
    o[11] = (uint32_t)((int64_t)x24 * y24) ^ (uint64_t)(uint32_t)((uint64_t)(x & 0xffffff) * (y & 0xffffff)) << 32;
    uint32_t apart = x > y ? x - y : y - x, signed_apart = sx > sy ? (uint32_t)sx - sy : (uint32_t)sy - sx;
    o[12] = (apart + 7) ^ (uint64_t)(uint32_t)(signed_apart + 9) << 32;
    o[13] = (uint32_t)(((int64_t)sx + sy) >> 1) ^ (uint64_t)(((int64_t)sx + sy + 1) >> 1) << 32;
    o[14] = (uint32_t)(((uint64_t)x + y) >> 1) ^ (((uint64_t)x + y + 1) >> 1) << 32;
    int32_t dot = 1000;
    uint32_t unsigned_dot = 5;
    for (int i = 0; i < 32; i += 8) {
        dot += (int8_t)(x >> i) * (int8_t)(y >> i);
        unsigned_dot += (x >> i & 255) * (y >> i & 255);
    }
    o[15] = (uint32_t)dot ^ (uint64_t)unsigned_dot << 32;
    int32_t low = 3 + (int16_t)x * (int8_t)y + (int16_t)(x >> 16) * (int8_t)(y >> 8);
    uint32_t high = 3 + (x & 0xffff) * (y >> 16 & 255) + (x >> 16) * (y >> 24);
    o[16] = (uint32_t)low ^ (uint64_t)high << 32;
    o[17] = bytes_of(x, y, [](uint32_t p, uint32_t q) { return p + q; }) ^
            (uint64_t)bytes_of(x, y, [](uint32_t p, uint32_t q) { return p > q ? p : q; }) << 32;
    o[18] = bytes_of(x, y, [](uint32_t p, uint32_t q) { return p > q ? p - q : q - p; }) ^
            (uint64_t)bytes_of(x, y, [](uint32_t p, uint32_t q) { return p == q ? 255u : 0u; }) << 32;
    o[19] = (wide / (x | 1)) ^ (uint64_t)((int64_t)wide % (sy | 1));
    o[20] = (uint32_t)(sx >> (y & 31)) ^ (uint64_t)(uint32_t)(x << (y & 31)) << 32;
    o[21] = (x >> 7 & 0x7ff) ^ (uint64_t)((y & ~(63u << 9)) | (x & 63) << 9) << 32;
}

int main() {
    const int n = 64;
    uint32_t a[n], b[n], seed = 99;
    for (int i = 0; i < n; i++) {
        a[i] = seed = seed * 1664525u + 1013904223u;
        b[i] = seed = seed * 1664525u + 1013904223u;
        if (i % 9 == 0) b[i] = (b[i] & 0xff00ff00) | (a[i] & 0x00ff00ff);
    }
    a[0] = 0, a[1] = ~0u, b[2] = 0, a[3] = 0x80000000u, b[3] = 0x7fffffffu, a[4] = 1;
    uint32_t *d_a, *d_b;
    uint64_t out[n * operations], expected[operations], *d_out;
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    compute<<<1, n>>>(d_a, d_b, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < n; i++) {
        reference(a[i], b[i], expected);
        for (int o = 0; o < operations; o++) {
            if (out[i * operations + o] == expected[o]) continue;
            if (wrong++ < 10)
                std::printf("operation %d of %08x %08x: %016llx, expected %016llx\n", o, a[i], b[i],
                            (unsigned long long)out[i * operations + o], (unsigned long long)expected[o]);
        }
    }
    std::printf("%d operations on %d pairs, %d wrong\n", operations, n, wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
