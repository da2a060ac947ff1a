// SHA-256 of many short messages: rotations, constant tables, byte order; checked by a known digest and on the host.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

#define ROUND_CONSTANTS                                                                                                                   \
    {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,   \
     0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,   \
     0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,   \
     0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,   \
     0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,   \
     0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2}

__constant__ uint32_t device_constants[64] = ROUND_CONSTANTS;
const uint32_t host_constants[64] = ROUND_CONSTANTS;

__host__ __device__ inline uint32_t turn(uint32_t x, int by) { return x >> by | x << (32 - by); }

__host__ __device__ void digest(const uint32_t* constants, const char* text, int length, uint32_t* state) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++) {
        w[i] = 0;
        for (int b = 0; b < 4; b++) {
            int at = 4 * i + b;
            w[i] = w[i] << 8 | (at < length ? (unsigned char)text[at] : at == length ? 0x80 : 0);
        }
    }
    w[15] = length * 8;
    for (int i = 16; i < 64; i++) {
        uint32_t a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3, b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint32_t s[8];
    for (int i = 0; i < 8; i++) s[i] = first[i];
    for (int i = 0; i < 64; i++) {
        uint32_t one = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
        uint32_t two = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        for (int k = 7; k > 0; k--) s[k] = s[k - 1];
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++) state[i] = first[i] + s[i];
}

__global__ void digest_all(const char* texts, const int* lengths, uint32_t* states) {
    int i = threadIdx.x;
    digest(device_constants, texts + 56 * i, lengths[i], states + 8 * i);
}

int main() {
    const int n = 32;
    char texts[n][56] = {"abc"}, *d_texts;
    int lengths[n] = {3}, *d_lengths, wrong = 0;
    uint32_t states[n][8], expected[8], *d_states;
    for (int i = 1; i < n; i++) lengths[i] = std::snprintf(texts[i], 56, "message number %d of %d%s", i, n, i % 2 ? ", with a tail" : "");
    CHECK(cudaMalloc(&d_texts, sizeof texts));
    CHECK(cudaMalloc(&d_lengths, sizeof lengths));
    CHECK(cudaMalloc(&d_states, sizeof states));
    CHECK(cudaMemcpy(d_texts, texts, sizeof texts, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_lengths, lengths, sizeof lengths, cudaMemcpyHostToDevice));
    digest_all<<<1, n>>>(d_texts, d_lengths, d_states);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(states, d_states, sizeof states, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) {
        digest(host_constants, texts[i], lengths[i], expected);
        wrong += std::memcmp(states[i], expected, sizeof expected) != 0;
    }
    wrong += states[0][0] != 0xba7816bf || states[0][7] != 0xf20015ad;
    std::printf("abc: %08x...%08x, %d wrong\n", states[0][0], states[0][7], wrong);
    std::puts(wrong ? "FAIL digests differ" : "PASS");
    return wrong != 0;
}
