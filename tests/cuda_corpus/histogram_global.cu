// Histogram of letters with one global atomic per character.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void count(int n, const char* text, int* counts) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    char letter = text[i];
    if (letter >= 'a' && letter <= 'z') atomicAdd(&counts[letter - 'a'], 1);
}

int main() {
    const char* text =
        "it was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
        "it was the epoch of belief, it was the epoch of incredulity, it was the season of light, it was the season of "
        "darkness, it was the spring of hope, it was the winter of despair";
    int n = (int)std::strlen(text), counts[26], expected[26] = {};
    for (int i = 0; i < n; i++)
        if (text[i] >= 'a' && text[i] <= 'z') expected[text[i] - 'a']++;
    char* d_text;
    int* d_counts;
    CHECK(cudaMalloc(&d_text, n));
    CHECK(cudaMalloc(&d_counts, sizeof counts));
    CHECK(cudaMemcpy(d_text, text, n, cudaMemcpyHostToDevice));
    CHECK(cudaMemset(d_counts, 0, sizeof counts));
    count<<<(n + 63) / 64, 64>>>(n, d_text, d_counts);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(counts, d_counts, sizeof counts, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < 26; i++) {
        wrong += counts[i] != expected[i];
        if (counts[i] > 20) std::printf("%c %d\n", 'a' + i, counts[i]);
    }
    std::puts(wrong ? "FAIL counts differ" : "PASS");
    return wrong != 0;
}
