// CUB within a block and a warp: BlockReduce, BlockScan, BlockRadixSort, WarpReduce, BlockLoad and BlockStore.
#include <cub/block/block_load.cuh>
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_scan.cuh>
#include <cub/block/block_store.cuh>
#include <cub/warp/warp_reduce.cuh>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int threads = 64, items = 4, n = threads * items;

__global__ void use(const int* in, int* sorted, int* scanned, int* sum, int* warp_maxima) {
    using Load = cub::BlockLoad<int, threads, items, cub::BLOCK_LOAD_TRANSPOSE>;
    using Store = cub::BlockStore<int, threads, items, cub::BLOCK_STORE_TRANSPOSE>;
    using Sort = cub::BlockRadixSort<int, threads, items>;
    using Scan = cub::BlockScan<int, threads>;
    using Reduce = cub::BlockReduce<int, threads>;
    using WarpReduce = cub::WarpReduce<int>;
    __shared__ union {
        Load::TempStorage load;
        Store::TempStorage store;
        Sort::TempStorage sort;
        Scan::TempStorage scan;
        Reduce::TempStorage reduce;
    } storage;
    __shared__ WarpReduce::TempStorage warp_storage[threads / 32];
    int values[items], sums[items];
    Load(storage.load).Load(in, values);
    __syncthreads();
    int total = Reduce(storage.reduce).Sum(values);
    if (threadIdx.x == 0) *sum = total;
    __syncthreads();
    Scan(storage.scan).InclusiveSum(values, sums);
    __syncthreads();
    Store(storage.store).Store(scanned, sums);
    int largest = max(max(values[0], values[1]), max(values[2], values[3]));
    largest = WarpReduce(warp_storage[threadIdx.x / 32]).Reduce(largest, [](int a, int b) { return a > b ? a : b; });
    if (threadIdx.x % 32 == 0) warp_maxima[threadIdx.x / 32] = largest;
    __syncthreads();
    Sort(storage.sort).Sort(values);
    __syncthreads();
    Store(storage.store).Store(sorted, values);
}

int main() {
    int in[n], sorted[n], scanned[n], expected[n], sum, maxima[2], *d_in, *d_sorted, *d_scanned, *d_sum, *d_maxima;
    for (int i = 0; i < n; i++) expected[i] = in[i] = (i * 167) % 501 - 250;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_sorted, sizeof in));
    CHECK(cudaMalloc(&d_scanned, sizeof in));
    CHECK(cudaMalloc(&d_sum, sizeof sum));
    CHECK(cudaMalloc(&d_maxima, sizeof maxima));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    use<<<1, threads>>>(d_in, d_sorted, d_scanned, d_sum, d_maxima);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(sorted, d_sorted, sizeof in, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(scanned, d_scanned, sizeof in, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(&sum, d_sum, sizeof sum, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(maxima, d_maxima, sizeof maxima, cudaMemcpyDeviceToHost));
    int wrong = 0, running = 0;
    for (int i = 0; i < n; i++) wrong += scanned[i] != (running += in[i]);
    wrong += sum != running;
    wrong += maxima[0] != *std::max_element(in, in + n / 2) || maxima[1] != *std::max_element(in + n / 2, in + n);
    std::sort(expected, expected + n);
    for (int i = 0; i < n; i++) wrong += sorted[i] != expected[i];
    std::printf("sum %d, maxima %d %d, smallest %d, %d wrong\n", sum, maxima[0], maxima[1], sorted[0], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
