// malloc, free and new on the device: a list per thread, a buffer per block, and memory that outlives the kernel.
#include <cstdio>
#include <cstdlib>
#include <new>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

struct Node {
    int value;
    Node* next;
    __device__ Node(int v, Node* n) : value(v), next(n) {}
};

__global__ void lists(int length, int* sums) {
    Node* head = nullptr;
    for (int i = 0; i < length; i++) head = new Node(i * threadIdx.x, head);
    int sum = 0;
    while (head) {
        Node* next = head->next;
        sum += head->value;
        delete head;
        head = next;
    }
    sums[threadIdx.x] = sum;
}

__device__ int* kept;

__global__ void keep(int n) {
    __shared__ int* buffer;
    if (threadIdx.x == 0) buffer = static_cast<int*>(malloc(n * sizeof(int)));
    __syncthreads();
    if (!buffer) return;
    for (int i = threadIdx.x; i < n; i += blockDim.x) buffer[i] = i * i;
    if (threadIdx.x == 0) kept = buffer;
}

__global__ void read_kept(int n, int* out) {
    if (threadIdx.x < n) out[threadIdx.x] = kept[threadIdx.x];
    __syncthreads();
    if (threadIdx.x == 0) free(kept);
}

int main() {
    const int n = 64;
    int sums[n], out[n], *d_sums, *d_out, wrong = 0;
    CHECK(cudaDeviceSetLimit(cudaLimitMallocHeapSize, 4 << 20));
    CHECK(cudaMalloc(&d_sums, sizeof sums));
    CHECK(cudaMalloc(&d_out, sizeof out));
    lists<<<1, n>>>(10, d_sums);
    keep<<<1, 32>>>(n);
    read_kept<<<1, n>>>(n, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(sums, d_sums, sizeof sums, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    size_t heap = 0;
    CHECK(cudaDeviceGetLimit(&heap, cudaLimitMallocHeapSize));
    for (int i = 0; i < n; i++) wrong += sums[i] != 45 * i || out[i] != i * i;
    std::printf("sums[3] = %d, out[9] = %d, heap of 4 MiB: %s, %d wrong\n", sums[3], out[9], heap >= 4 << 20 ? "yes" : "no", wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
