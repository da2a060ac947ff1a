// Clocks and special registers: clock64 and globaltimer never run backwards, lane and warp ids, grid dimensions.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

struct Seen {
    int clock_grows, timer_grows, lane, warp_size, block_threads, grid_blocks;
};

__global__ void look(Seen* out) {
    long long begin = clock64();
    clock_t short_begin = clock();
    unsigned long long timer_begin, timer_end;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(timer_begin));
    __nanosleep(100);
    float value = threadIdx.x;
    for (int i = 0; i < 50; i++) value = value * 1.5f + 1.0f;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(timer_end));
    unsigned lane;
    asm("mov.u32 %0, %%laneid;" : "=r"(lane));
    Seen seen = {clock64() >= begin && (value < 0 || clock() != short_begin), timer_end >= timer_begin, (int)lane, warpSize,
                 (int)(blockDim.x * blockDim.y * blockDim.z), (int)(gridDim.x * gridDim.y * gridDim.z)};
    int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    int block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    out[block * seen.block_threads + thread] = seen;
}

int main() {
    const int threads = 4 * 5 * 3, blocks = 2 * 3 * 2, n = threads * blocks;
    static Seen seen[n];
    Seen* d_seen;
    CHECK(cudaMalloc(&d_seen, sizeof seen));
    look<<<dim3(2, 3, 2), dim3(4, 5, 3)>>>(d_seen);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(seen, d_seen, sizeof seen, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < n; i++) {
        wrong += !seen[i].clock_grows || !seen[i].timer_grows || seen[i].lane != i % threads % 32 || seen[i].warp_size != 32;
        wrong += seen[i].block_threads != threads || seen[i].grid_blocks != blocks;
    }
    std::printf("%d threads in %d blocks, %d wrong\n", seen[0].block_threads, seen[0].grid_blocks, wrong);
    std::puts(wrong ? "FAIL registers differ" : "PASS");
    return wrong != 0;
}
