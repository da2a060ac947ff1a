// Finds every place of a pattern in a text with overlapping matches; first place by atomicMin, all in a bitmap by ballot.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__constant__ char pattern[16];

__global__ void find(const char* text, int length, int size, unsigned* bitmap, int* first, int* count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    bool match = i + size <= length;
    for (int k = 0; match && k < size; k++) match = text[i + k] == pattern[k];
    unsigned matches = __ballot_sync(0xffffffff, match);
    if (threadIdx.x % 32 == 0) {
        bitmap[i / 32] = matches;
        if (matches) {
            atomicAdd(count, __popc(matches));
            atomicMin(first, i + __ffs(matches) - 1);
        }
    }
}

int main() {
    static char text[2048];
    const char* wanted = "abaab";
    for (int i = 0; i < 2048; i++) text[i] = "ab"[((i * 2654435761u) >> 15) % 3 == 0];
    int length = 2000, size = 5, first = 1 << 30, count = 0, expected = 0, expected_first = -1, wrong = 0;
    char* d_text;
    unsigned *d_bitmap, bitmap[64];
    int *d_first, *d_count;
    CHECK(cudaMemcpyToSymbol(pattern, wanted, size));
    CHECK(cudaMalloc(&d_text, length));
    CHECK(cudaMalloc(&d_bitmap, sizeof bitmap));
    CHECK(cudaMalloc(&d_first, sizeof first));
    CHECK(cudaMalloc(&d_count, sizeof count));
    CHECK(cudaMemcpy(d_text, text, length, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_first, &first, sizeof first, cudaMemcpyHostToDevice));
    CHECK(cudaMemset(d_count, 0, sizeof count));
    find<<<16, 128>>>(d_text, length, size, d_bitmap, d_first, d_count);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(bitmap, d_bitmap, sizeof bitmap, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(&first, d_first, sizeof first, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(&count, d_count, sizeof count, cudaMemcpyDeviceToHost));
    for (int i = 0; i < 2048; i++) {
        bool match = i + size <= length && !std::memcmp(text + i, wanted, size);
        wrong += match != (bitmap[i / 32] >> i % 32 & 1);
        expected += match;
        if (match && expected_first < 0) expected_first = i;
    }
    std::printf("%d matches, first at %d, %d wrong\n", count, first, wrong);
    bool right = !wrong && count == expected && first == expected_first && count > 0;
    std::puts(right ? "PASS" : "FAIL matches differ");
    return !right;
}
