// Recursion on the device: factorial, Ackermann, mutual recursion, and quicksort with a stack limit raised by the host.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__host__ __device__ __noinline__ long long factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }
__host__ __device__ __noinline__ int ackermann(int m, int n) {
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}
__host__ __device__ bool odd(int n);
__host__ __device__ __noinline__ bool even(int n) { return n == 0 ? true : odd(n - 1); }
__host__ __device__ __noinline__ bool odd(int n) { return n == 0 ? false : even(n - 1); }

__device__ __noinline__ void quicksort(int* values, int first, int last) {
    if (first >= last) return;
    int pivot = values[(first + last) / 2], i = first, j = last;
    while (i <= j) {
        while (values[i] < pivot) i++;
        while (values[j] > pivot) j--;
        if (i <= j) {
            int t = values[i];
            values[i++] = values[j];
            values[j--] = t;
        }
    }
    quicksort(values, first, j);
    quicksort(values, i, last);
}

__global__ void run(long long* out, int* rows, int n) {
    int i = threadIdx.x;
    out[3 * i] = factorial(i);
    out[3 * i + 1] = ackermann(2, i % 4);
    out[3 * i + 2] = even(i * 3);
    quicksort(rows + i * n, 0, n - 1);
}

int main() {
    const int threads = 20, n = 24;
    long long out[threads * 3], *d_out;
    int rows[threads * n], *d_rows, wrong = 0;
    for (int i = 0; i < threads * n; i++) rows[i] = (i * 7919) % 1013;
    CHECK(cudaDeviceSetLimit(cudaLimitStackSize, 8192));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_rows, sizeof rows));
    CHECK(cudaMemcpy(d_rows, rows, sizeof rows, cudaMemcpyHostToDevice));
    run<<<1, threads>>>(d_out, d_rows, n);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(rows, d_rows, sizeof rows, cudaMemcpyDeviceToHost));
    for (int i = 0; i < threads; i++) {
        wrong += out[3 * i] != factorial(i) || out[3 * i + 1] != ackermann(2, i % 4) || out[3 * i + 2] != even(i * 3);
        for (int j = 1; j < n; j++) wrong += rows[i * n + j - 1] > rows[i * n + j];
    }
    std::printf("19! = %lld, ackermann(2, 3) = %lld, %d wrong\n", out[57], out[10], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
