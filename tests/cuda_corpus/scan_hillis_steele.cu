// Inclusive prefix sum of one block, Hillis and Steele: double-buffered, log2(n) steps of n additions.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void scan(int n, const int* in, int* out) {
    extern __shared__ int buffers[];
    int *from = buffers, *to = buffers + n, i = threadIdx.x;
    from[i] = in[i];
    __syncthreads();
    for (int offset = 1; offset < n; offset *= 2) {
        to[i] = i >= offset ? from[i] + from[i - offset] : from[i];
        __syncthreads();
        int* previous = from;
        from = to;
        to = previous;
    }
    out[i] = from[i];
}

int main() {
    const int n = 512;
    int in[n], out[n], *d_in, *d_out, wrong = 0, sum = 0;
    for (int i = 0; i < n; i++) in[i] = (i * 37) % 101 - 50;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    scan<<<1, n, 2 * n * sizeof(int)>>>(n, d_in, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) wrong += out[i] != (sum += in[i]);
    std::printf("last %d, expected %d, %d wrong\n", out[n - 1], sum, wrong);
    std::puts(wrong ? "FAIL scan differs" : "PASS");
    return wrong != 0;
}
