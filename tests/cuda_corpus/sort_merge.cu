// Merge sort bottom up: each thread merges two runs; the source and target alternate.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void merge_runs(int n, int width, const float* from, float* to) {
    int first = (blockIdx.x * blockDim.x + threadIdx.x) * 2 * width;
    if (first >= n) return;
    int middle = min(first + width, n), end = min(first + 2 * width, n), left = first, right = middle;
    for (int i = first; i < end; i++)
        to[i] = right >= end || (left < middle && from[left] <= from[right]) ? from[left++] : from[right++];
}

int main() {
    const int n = 1500;
    static float values[n], expected[n];
    for (int i = 0; i < n; i++) expected[i] = values[i] = ((i * 613) % 2003) * 0.25f - 100.0f;
    float *d_from, *d_to;
    CHECK(cudaMalloc(&d_from, sizeof values));
    CHECK(cudaMalloc(&d_to, sizeof values));
    CHECK(cudaMemcpy(d_from, values, sizeof values, cudaMemcpyHostToDevice));
    for (int width = 1; width < n; width *= 2) {
        int merges = (n + 2 * width - 1) / (2 * width);
        merge_runs<<<(merges + 63) / 64, 64>>>(n, width, d_from, d_to);
        CHECK(cudaGetLastError());
        std::swap(d_from, d_to);
    }
    CHECK(cudaMemcpy(values, d_from, sizeof values, cudaMemcpyDeviceToHost));
    std::sort(expected, expected + n);
    int wrong = 0;
    for (int i = 0; i < n; i++) wrong += values[i] != expected[i];
    std::printf("first %g, last %g, %d wrong\n", values[0], values[n - 1], wrong);
    std::puts(wrong ? "FAIL order differs" : "PASS");
    return wrong != 0;
}
