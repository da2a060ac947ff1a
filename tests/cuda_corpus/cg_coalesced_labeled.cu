// Cooperative groups of the threads that happen to be together: coalesced_threads, labeled and binary partitions.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>

#include <cstdio>
#include <cstdlib>

namespace cg = cooperative_groups;

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__device__ int aggregated_increment(int* counter) {
    auto active = cg::coalesced_threads();
    int first = 0;
    if (active.thread_rank() == 0) first = atomicAdd(counter, (int)active.size());
    return active.shfl(first, 0) + active.thread_rank();
}

__global__ void use(int* counter, int* slots, int* label_sums, int* odd_counts) {
    int i = threadIdx.x;
    slots[i] = -1;
    if (i % 3 == 0) slots[i] = aggregated_increment(counter);
    auto warp = cg::tiled_partition<32>(cg::this_thread_block());
    auto labeled = cg::labeled_partition(warp, i % 5);
    label_sums[i] = cg::reduce(labeled, i, cg::plus<int>());
    auto binary = cg::binary_partition(warp, i % 4 == 1);
    odd_counts[i] = binary.size() * 100 + binary.thread_rank();
}

int main() {
    const int n = 96;
    int slots[n], sums[n], counts[n], counter = -1, *d_slots, *d_sums, *d_counts, *d_counter, wrong = 0, seen[n] = {};
    CHECK(cudaMalloc(&d_slots, sizeof slots));
    CHECK(cudaMalloc(&d_sums, sizeof sums));
    CHECK(cudaMalloc(&d_counts, sizeof counts));
    CHECK(cudaMalloc(&d_counter, sizeof counter));
    CHECK(cudaMemset(d_counter, 0, sizeof counter));
    use<<<1, n>>>(d_counter, d_slots, d_sums, d_counts);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(slots, d_slots, sizeof slots, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(sums, d_sums, sizeof sums, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(counts, d_counts, sizeof counts, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(&counter, d_counter, sizeof counter, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) {
        int warp = i / 32 * 32, sum = 0, size = 0, rank = 0;
        for (int j = warp; j < warp + 32; j++) {
            if (j % 5 == i % 5) sum += j;
            if ((j % 4 == 1) == (i % 4 == 1)) size++, rank += j < i;
        }
        wrong += sums[i] != sum;
        wrong += counts[i] != size * 100 + rank;
        if (i % 3 == 0 && slots[i] >= 0 && slots[i] < n)
            seen[slots[i]]++;
        else
            wrong += i % 3 == 0 || slots[i] != -1;
    }
    for (int slot = 0; slot < n; slot++) wrong += seen[slot] != (slot < n / 3);
    std::printf("counter %d, sums[7] = %d, counts[5] = %d, %d wrong\n", counter, sums[7], counts[5], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
