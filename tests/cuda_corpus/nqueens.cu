// Counts the solutions of n queens: a bit-mask backtracking search per thread over starting positions.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__host__ __device__ int place(int n, unsigned columns, unsigned left, unsigned right, int row) {
    unsigned all = (1u << n) - 1, free_at[16], columns_at[16], left_at[16], right_at[16];
    int depth = row, solutions = 0, base = row;
    columns_at[depth] = columns, left_at[depth] = left, right_at[depth] = right;
    free_at[depth] = all & ~(columns | left | right);
    if (row == n) return 1;
    while (depth >= base) {
        if (!free_at[depth]) {
            depth--;
            continue;
        }
        unsigned bit = free_at[depth] & -free_at[depth];
        free_at[depth] ^= bit;
        if (depth + 1 == n) {
            solutions++;
            continue;
        }
        columns_at[depth + 1] = columns_at[depth] | bit;
        left_at[depth + 1] = (left_at[depth] | bit) << 1;
        right_at[depth + 1] = (right_at[depth] | bit) >> 1;
        depth++;
        free_at[depth] = all & ~(columns_at[depth] | left_at[depth] | right_at[depth]);
    }
    return solutions;
}

__global__ void count(int n, int* solutions) {
    int first = threadIdx.x / n, second = threadIdx.x % n;
    if (first >= n) return;
    unsigned a = 1u << first, b = 1u << second;
    if (b & (a | a << 1 | a >> 1)) return;
    int mine = place(n, a | b, (a << 1 | b) << 1, (a >> 1 | b) >> 1, 2);
    if (mine) atomicAdd(solutions, mine);
}

int main() {
    const int known[] = {0, 0, 0, 0, 2, 10, 4, 40, 92};
    int *d_solutions, wrong = 0;
    CHECK(cudaMalloc(&d_solutions, sizeof(int)));
    for (int n = 4; n <= 8; n++) {
        int solutions = 0;
        CHECK(cudaMemset(d_solutions, 0, sizeof(int)));
        count<<<1, 64>>>(n, d_solutions);
        CHECK(cudaGetLastError());
        CHECK(cudaMemcpy(&solutions, d_solutions, sizeof solutions, cudaMemcpyDeviceToHost));
        std::printf("%d queens: %d\n", n, solutions);
        wrong += solutions != known[n];
    }
    std::puts(wrong ? "FAIL counts differ" : "PASS");
    return wrong != 0;
}
