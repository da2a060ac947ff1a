// Every integer atomic, on int, unsigned and unsigned long long, in global and shared memory.
#include <climits>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

typedef unsigned long long Wide;

struct Cells {
    int add, sub, least, greatest, exchanged, set;
    unsigned wrapping_up, wrapping_down, conjunction, disjunction, parity, unsigned_least, unsigned_greatest;
    Wide wide_add, wide_and, wide_or, wide_xor, wide_max, wide_min, wide_set;
    long long signed_max;
};

__host__ __device__ Cells start() {
    Cells c = {};
    c.least = INT_MAX, c.greatest = INT_MIN, c.exchanged = -1, c.set = -7, c.wrapping_down = 3;
    c.conjunction = ~0u, c.unsigned_least = ~0u, c.wide_and = ~0ull, c.wide_min = ~0ull, c.signed_max = LLONG_MIN;
    return c;
}

__device__ void update(Cells* c, int i) {
    atomicAdd(&c->add, i);
    atomicSub(&c->sub, i);
    atomicMin(&c->least, (i * 37) % 101 - 50);
    atomicMax(&c->greatest, (i * 37) % 101 - 50);
    atomicExch(&c->exchanged, i);
    atomicCAS(&c->set, -7, 77);
    atomicInc(&c->wrapping_up, 9);
    atomicDec(&c->wrapping_down, 9);
    atomicAnd(&c->conjunction, ~(1u << i % 7));
    atomicOr(&c->disjunction, 1u << i % 11);
    atomicXor(&c->parity, 1u << i % 32);
    atomicMin(&c->unsigned_least, 4000000000u - i);
    atomicMax(&c->unsigned_greatest, 4000000000u + i);
    atomicAdd(&c->wide_add, 5000000000ull);
    atomicAnd(&c->wide_and, ~(1ull << (i % 5 + 40)));
    atomicOr(&c->wide_or, 1ull << (i % 60));
    atomicXor(&c->wide_xor, (Wide)i << 33);
    atomicMax(&c->wide_max, (Wide)i << 40);
    atomicMin(&c->wide_min, (Wide)(i + 3) << 40);
    atomicCAS(&c->wide_set, 0ull, 1ull << 50);
    atomicMax(&c->signed_max, (long long)-1000 + i);
}

__global__ void count(Cells* global, Cells* from_shared) {
    __shared__ Cells shared;
    if (threadIdx.x == 0) shared = start();
    __syncthreads();
    update(global, blockIdx.x * blockDim.x + threadIdx.x);
    update(&shared, threadIdx.x);
    __syncthreads();
    if (threadIdx.x == 0) from_shared[blockIdx.x] = shared;
}

int different(const Cells& c, int n) {
    Cells e = start();
    for (int i = 0; i < n; i++) {
        int spread = (i * 37) % 101 - 50;
        e.add += i, e.sub -= i;
        if (spread < e.least) e.least = spread;
        if (spread > e.greatest) e.greatest = spread;
        e.wrapping_up = e.wrapping_up >= 9 ? 0 : e.wrapping_up + 1;
        e.wrapping_down = e.wrapping_down == 0 || e.wrapping_down > 9 ? 9 : e.wrapping_down - 1;
        e.conjunction &= ~(1u << i % 7), e.disjunction |= 1u << i % 11, e.parity ^= 1u << i % 32;
        e.wide_add += 5000000000ull, e.wide_and &= ~(1ull << (i % 5 + 40)), e.wide_or |= 1ull << (i % 60), e.wide_xor ^= (Wide)i << 33;
    }
    bool right = c.add == e.add && c.sub == e.sub && c.least == e.least && c.greatest == e.greatest && c.set == 77 &&
                 c.exchanged >= 0 && c.exchanged < n && c.wrapping_up == e.wrapping_up && c.wrapping_down == e.wrapping_down;
    bool bits = c.conjunction == e.conjunction && c.disjunction == e.disjunction && c.parity == e.parity;
    bool ends = c.unsigned_least == 4000000001u - n && c.unsigned_greatest == 3999999999u + n;
    bool wide = c.wide_add == e.wide_add && c.wide_and == e.wide_and && c.wide_or == e.wide_or && c.wide_xor == e.wide_xor &&
                c.wide_max == (Wide)(n - 1) << 40 && c.wide_min == 3ull << 40 && c.wide_set == 1ull << 50 && c.signed_max == n - 1001;
    return !right + 2 * !bits + 4 * !ends + 8 * !wide;
}

int main() {
    const int blocks = 3, threads = 70;
    Cells global = start(), shared[blocks], *d_global, *d_shared;
    CHECK(cudaMalloc(&d_global, sizeof global));
    CHECK(cudaMalloc(&d_shared, sizeof shared));
    CHECK(cudaMemcpy(d_global, &global, sizeof global, cudaMemcpyHostToDevice));
    count<<<blocks, threads>>>(d_global, d_shared);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&global, d_global, sizeof global, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(shared, d_shared, sizeof shared, cudaMemcpyDeviceToHost));
    int wrong = different(global, blocks * threads);
    for (const Cells& cells : shared) wrong |= different(cells, threads) << 4;
    std::printf("global add %d, shared add %d, parity %08x, groups wrong %02x\n", global.add, shared[1].add, global.parity, wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
