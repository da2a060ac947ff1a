// Two number games: primes by a sieve of bits with atomicOr, and the longest Collatz chain by a packed atomicMax.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int limit = 4096;

__global__ void sieve(unsigned* composite) {
    int p = blockIdx.x * blockDim.x + threadIdx.x + 2;
    if (p * p >= limit) return;
    for (int multiple = p * p; multiple < limit; multiple += p) atomicOr(&composite[multiple / 32], 1u << multiple % 32);
}

__host__ __device__ int chain(unsigned long long number) {
    int length = 1;
    for (; number != 1; length++) number = number & 1 ? 3 * number + 1 : number >> 1;
    return length;
}

__global__ void longest(unsigned long long* best) {
    unsigned long long start = blockIdx.x * blockDim.x + threadIdx.x + 1;
    if (start < 1000) atomicMax(best, (unsigned long long)chain(start) << 32 | start);
}

int main() {
    unsigned composite[limit / 32], *d_composite;
    unsigned long long best, expected = 0, *d_best;
    int primes = 0, expected_primes = 0, wrong = 0;
    CHECK(cudaMalloc(&d_composite, sizeof composite));
    CHECK(cudaMalloc(&d_best, sizeof best));
    CHECK(cudaMemset(d_composite, 0, sizeof composite));
    CHECK(cudaMemset(d_best, 0, sizeof best));
    sieve<<<2, 32>>>(d_composite);
    longest<<<8, 128>>>(d_best);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(composite, d_composite, sizeof composite, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(&best, d_best, sizeof best, cudaMemcpyDeviceToHost));
    for (int i = 2; i < limit; i++) {
        bool prime = true;
        for (int d = 2; d * d <= i && prime; d++) prime = i % d != 0;
        expected_primes += prime;
        primes += !(composite[i / 32] >> i % 32 & 1);
    }
    for (unsigned long long start = 1; start < 1000; start++) {
        unsigned long long packed = (unsigned long long)chain(start) << 32 | start;
        if (packed > expected) expected = packed;
    }
    wrong = primes != expected_primes || best != expected;
    std::printf("%d primes below %d, longest chain of %d starts at %d\n", primes, limit, (int)(best >> 32), (int)(best & 0xffffffff));
    std::puts(wrong ? "FAIL numbers differ" : "PASS");
    return wrong;
}
