// Dynamic programming along anti-diagonals: the edit distance of two texts, one block, three diagonals in shared memory.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int limit = 96;

__global__ void edit_distance(const char* a, int la, const char* b, int lb, int* distance) {
    __shared__ int diagonals[3][limit + 1];
    int i = threadIdx.x;  // the row
    for (int d = 0; d <= la + lb; d++) {
        int *now = diagonals[d % 3], *before = diagonals[(d + 2) % 3], *two_before = diagonals[(d + 1) % 3], j = d - i;
        if (i <= la && j >= 0 && j <= lb) {
            int best;
            if (i == 0 || j == 0)
                best = i + j;
            else
                best = min(min(before[i - 1], before[i]) + 1, two_before[i - 1] + (a[i - 1] != b[j - 1]));
            now[i] = best;
            if (i == la && j == lb) *distance = best;
        }
        __syncthreads();
    }
}

int main() {
    const char *a = "the quick brown fox jumps over the lazy dog", *b = "a quack crown box jumped under one crazy bog";
    int la = (int)std::strlen(a), lb = (int)std::strlen(b), distance, *d_distance;
    char *d_a, *d_b;
    CHECK(cudaMalloc(&d_a, la));
    CHECK(cudaMalloc(&d_b, lb));
    CHECK(cudaMalloc(&d_distance, sizeof distance));
    CHECK(cudaMemcpy(d_a, a, la, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, lb, cudaMemcpyHostToDevice));
    edit_distance<<<1, limit>>>(d_a, la, d_b, lb, d_distance);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&distance, d_distance, sizeof distance, cudaMemcpyDeviceToHost));
    static int table[limit + 1][limit + 1];
    for (int i = 0; i <= la; i++)
        for (int j = 0; j <= lb; j++)
            table[i][j] = i == 0 || j == 0 ? i + j
                                           : std::min(std::min(table[i - 1][j], table[i][j - 1]) + 1, table[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
    std::printf("distance %d, expected %d\n", distance, table[la][lb]);
    bool right = distance == table[la][lb];
    std::puts(right ? "PASS" : "FAIL distances differ");
    return !right;
}
