// A cooperative launch: grid.sync() between phases of one kernel, sized with the occupancy API.
#include <cooperative_groups.h>

#include <cstdio>
#include <cstdlib>

namespace cg = cooperative_groups;

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void ladder(int n, int rounds, int* a, int* b) {
    auto grid = cg::this_grid();
    for (int round = 0; round < rounds; round++) {
        for (int i = grid.thread_rank(); i < n; i += grid.size()) b[i] = a[(i + 1) % n] + a[i];
        grid.sync();
        int* t = a;
        a = b;
        b = t;
    }
}

int main() {
    const int n = 500, threads = 64;
    int rounds = 6, size = n, a[n], host[2][n], *d_a, *d_b, cooperative = 0, fitting = 0, multiprocessors = 0, wrong = 0;
    CHECK(cudaDeviceGetAttribute(&cooperative, cudaDevAttrCooperativeLaunch, 0));
    CHECK(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0));
    CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&fitting, ladder, threads, 0));
    if (!cooperative || fitting < 1 || multiprocessors < 1) {
        std::puts("FAIL no cooperative launch");
        return 1;
    }
    int blocks = fitting * multiprocessors < 4 ? fitting * multiprocessors : 4;
    for (int i = 0; i < n; i++) host[0][i] = a[i] = i % 9;
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof a));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    void* arguments[] = {&size, &rounds, &d_a, &d_b};
    CHECK(cudaLaunchCooperativeKernel((void*)ladder, dim3(blocks), dim3(threads), arguments, 0, nullptr));
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaMemcpy(a, rounds % 2 ? d_b : d_a, sizeof a, cudaMemcpyDeviceToHost));
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < n; i++) host[1 - round % 2][i] = host[round % 2][(i + 1) % n] + host[round % 2][i];
    for (int i = 0; i < n; i++) wrong += a[i] != host[rounds % 2][i];
    std::printf("a[3] = %d, %d wrong\n", a[3], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
