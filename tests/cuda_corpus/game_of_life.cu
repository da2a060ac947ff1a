// Conway's game of life on a torus, one bit per cell in 32-bit words; a glider comes back after its period.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int size = 32;

__global__ void step(const unsigned* now, unsigned* next) {
    int y = threadIdx.x;
    unsigned rows[3] = {now[(y + size - 1) % size], now[y], now[(y + 1) % size]}, result = 0;
    for (int x = 0; x < size; x++) {
        int neighbours = 0;
        for (int r = 0; r < 3; r++) neighbours += __popc(__funnelshift_r(rows[r], rows[r], (x + 31) % 32) & 7u);
        bool alive = rows[1] >> x & 1;
        neighbours -= alive;
        if (neighbours == 3 || (alive && neighbours == 2)) result |= 1u << x;
    }
    next[y] = result;
}

int main() {
    unsigned board[size] = {}, start[size], host[2][size], *d_now, *d_next;
    board[1] = 1u << 2, board[2] = 1u << 3, board[3] = 7u << 1;       // a glider
    board[20] = 7u << 10, board[25] = 3u << 20, board[26] = 3u << 20;  // a blinker and a block
    std::memcpy(start, board, sizeof board);
    std::memcpy(host[0], board, sizeof board);
    CHECK(cudaMalloc(&d_now, sizeof board));
    CHECK(cudaMalloc(&d_next, sizeof board));
    CHECK(cudaMemcpy(d_now, board, sizeof board, cudaMemcpyHostToDevice));
    const int generations = 40;
    for (int g = 0; g < generations; g++) {
        step<<<1, size>>>(d_now, d_next);
        std::swap(d_now, d_next);
        for (int y = 0; y < size; y++) {
            host[1 - g % 2][y] = 0;
            for (int x = 0; x < size; x++) {
                int neighbours = 0;
                for (int dy = -1; dy <= 1; dy++)
                    for (int dx = -1; dx <= 1; dx++)
                        if (dx || dy) neighbours += host[g % 2][(y + dy + size) % size] >> ((x + dx + size) % size) & 1;
                bool alive = host[g % 2][y] >> x & 1;
                if (neighbours == 3 || (alive && neighbours == 2)) host[1 - g % 2][y] |= 1u << x;
            }
        }
    }
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(board, d_now, sizeof board, cudaMemcpyDeviceToHost));
    int alive = 0, wrong = 0;
    for (int y = 0; y < size; y++) {
        alive += __builtin_popcount(board[y]);
        wrong += board[y] != host[generations % 2][y];
    }
    std::printf("%d alive after %d generations, %d rows wrong\n", alive, generations, wrong);
    std::puts(wrong ? "FAIL board differs" : "PASS");
    return wrong != 0;
}
