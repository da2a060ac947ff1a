// Dynamic shared memory carved into arrays of several types; more than 48 KB after opting in, refused without.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void carve(int n, double* out) {
    extern __shared__ __align__(16) char memory[];
    double* doubles = reinterpret_cast<double*>(memory);
    int* ints = reinterpret_cast<int*>(doubles + n);
    unsigned char* bytes = reinterpret_cast<unsigned char*>(ints + n);
    int i = threadIdx.x;
    doubles[i] = i * 0.5;
    ints[i] = i * 3;
    bytes[i] = (unsigned char)(i * 7);
    __syncthreads();
    int j = n - 1 - i;
    out[i] = doubles[j] + ints[j] + bytes[j];
}

__global__ void large(int words, int* out) {
    extern __shared__ int cells[];
    for (int i = threadIdx.x; i < words; i += blockDim.x) cells[i] = i;
    __syncthreads();
    int sum = 0;
    for (int i = threadIdx.x; i < words; i += blockDim.x) sum += cells[words - 1 - i] & 1;
    atomicAdd(out, sum);
}

int main() {
    const int n = 100, bytes = 64 * 1024, words = bytes / sizeof(int);
    double out[n], *d_out;
    int count = 0, *d_count, wrong = 0, limit = 0;
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_count, sizeof count));
    CHECK(cudaMemset(d_count, 0, sizeof count));
    carve<<<1, n, n * (sizeof(double) + sizeof(int) + 1)>>>(n, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) {
        int j = n - 1 - i;
        wrong += out[i] != j * 0.5 + j * 3 + (j * 7) % 256;
    }
    CHECK(cudaDeviceGetAttribute(&limit, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
    large<<<1, 256, bytes>>>(words, d_count);
    cudaError_t refused = cudaGetLastError();
    CHECK(cudaFuncSetAttribute(large, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
    large<<<1, 256, bytes>>>(words, d_count);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&count, d_count, sizeof count, cudaMemcpyDeviceToHost));
    std::printf("%d wrong, without opting in: %s, odd words %d, 64 KiB allowed: %s\n", wrong, cudaGetErrorName(refused), count,
                limit >= bytes ? "yes" : "no");
    bool right = !wrong && refused == cudaErrorInvalidValue && count == words / 2;
    std::puts(right ? "PASS" : "FAIL results differ");
    return !right;
}
