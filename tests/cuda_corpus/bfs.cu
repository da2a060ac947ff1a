// Breadth-first search, level by level: a frontier queue filled with atomics, distances claimed by compare-and-swap.
#include <cstdio>
#include <cstdlib>
#include <utility>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int n = 400;

__global__ void expand(const int* starts, const int* neighbours, int level, const int* frontier, int size, int* distances, int* next, int* next_size) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    int node = frontier[i];
    for (int e = starts[node]; e < starts[node + 1]; e++)
        if (atomicCAS(&distances[neighbours[e]], -1, level + 1) == -1) next[atomicAdd(next_size, 1)] = neighbours[e];
}

int main() {
    static int starts[n + 1], neighbours[n * 4], distances[n], expected[n], queue[n];
    int edges = 0, wrong = 0, levels = 0, reached = 0;
    for (int node = 0; node < n; node++) {
        starts[node] = edges;
        neighbours[edges++] = (node * 3 + 1) % n;
        if (node % 2) neighbours[edges++] = (node + 7) % n;
        if (node % 5 == 0) neighbours[edges++] = (node * node) % n;
    }
    starts[n] = edges;
    for (int node = 0; node < n; node++) distances[node] = expected[node] = -1;
    int head = 0, tail = 0;
    expected[0] = 0;
    queue[tail++] = 0;
    while (head < tail) {
        int node = queue[head++];
        for (int e = starts[node]; e < starts[node + 1]; e++)
            if (expected[neighbours[e]] < 0) expected[neighbours[e]] = expected[node] + 1, queue[tail++] = neighbours[e];
    }
    distances[0] = 0;
    int *d_starts, *d_neighbours, *d_distances, *d_frontier, *d_next, *d_size, size = 1, first = 0;
    CHECK(cudaMalloc(&d_starts, sizeof starts));
    CHECK(cudaMalloc(&d_neighbours, edges * sizeof(int)));
    CHECK(cudaMalloc(&d_distances, sizeof distances));
    CHECK(cudaMalloc(&d_frontier, sizeof distances));
    CHECK(cudaMalloc(&d_next, sizeof distances));
    CHECK(cudaMalloc(&d_size, sizeof size));
    CHECK(cudaMemcpy(d_starts, starts, sizeof starts, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_neighbours, neighbours, edges * sizeof(int), cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_distances, distances, sizeof distances, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_frontier, &first, sizeof first, cudaMemcpyHostToDevice));
    for (; size > 0; levels++) {
        CHECK(cudaMemset(d_size, 0, sizeof size));
        expand<<<(size + 63) / 64, 64>>>(d_starts, d_neighbours, levels, d_frontier, size, d_distances, d_next, d_size);
        CHECK(cudaGetLastError());
        CHECK(cudaMemcpy(&size, d_size, sizeof size, cudaMemcpyDeviceToHost));
        std::swap(d_frontier, d_next);
    }
    CHECK(cudaMemcpy(distances, d_distances, sizeof distances, cudaMemcpyDeviceToHost));
    for (int node = 0; node < n; node++) {
        wrong += distances[node] != expected[node];
        reached += distances[node] >= 0;
    }
    std::printf("%d levels, %d of %d reached, %d wrong\n", levels, reached, n, wrong);
    std::puts(wrong ? "FAIL distances differ" : "PASS");
    return wrong != 0;
}
