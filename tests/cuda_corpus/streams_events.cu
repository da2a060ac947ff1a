// Streams and events: work in two streams joined by an event, callbacks in order, elapsed time, queries, priorities.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void fill(int n, int value, int* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = value + i;
}

__global__ void add(int n, const int* a, const int* b, int* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = a[i] + b[i];
}

void CUDART_CB note(void* where) { *(int*)where += 1; }

int main() {
    const int n = 1000;
    int *a, *b, *sum, *host, notes = 0, least = 0, greatest = 0, wrong = 0;
    cudaStream_t one, two;
    cudaEvent_t begin, a_ready, end;
    CHECK(cudaStreamCreate(&one));
    CHECK(cudaDeviceGetStreamPriorityRange(&least, &greatest));
    CHECK(cudaStreamCreateWithPriority(&two, cudaStreamNonBlocking, greatest));
    CHECK(cudaEventCreate(&begin));
    CHECK(cudaEventCreateWithFlags(&a_ready, cudaEventDisableTiming));
    CHECK(cudaEventCreate(&end));
    CHECK(cudaMallocHost(&host, n * sizeof(int)));
    CHECK(cudaMallocAsync(&a, n * sizeof(int), one));
    CHECK(cudaMalloc(&b, n * sizeof(int)));
    CHECK(cudaMalloc(&sum, n * sizeof(int)));
    CHECK(cudaEventRecord(begin, two));
    fill<<<(n + 127) / 128, 128, 0, one>>>(n, 100, a);
    CHECK(cudaEventRecord(a_ready, one));
    fill<<<(n + 127) / 128, 128, 0, two>>>(n, 2000, b);
    CHECK(cudaStreamWaitEvent(two, a_ready, 0));
    add<<<(n + 127) / 128, 128, 0, two>>>(n, a, b, sum);
    CHECK(cudaMemcpyAsync(host, sum, n * sizeof(int), cudaMemcpyDeviceToHost, two));
    CHECK(cudaLaunchHostFunc(two, note, &notes));
    CHECK(cudaEventRecord(end, two));
    CHECK(cudaEventSynchronize(end));
    float elapsed_ms = -1;
    CHECK(cudaEventElapsedTime(&elapsed_ms, begin, end));
    CHECK(cudaStreamQuery(two));
    CHECK(cudaEventQuery(end));
    bool no_timing = cudaEventElapsedTime(&elapsed_ms, begin, a_ready) == cudaErrorInvalidResourceHandle;
    cudaGetLastError();
    for (int i = 0; i < n; i++) wrong += host[i] != 2100 + 2 * i;
    CHECK(cudaFreeAsync(a, one));
    CHECK(cudaStreamSynchronize(one));
    CHECK(cudaStreamDestroy(one));
    CHECK(cudaStreamDestroy(two));
    CHECK(cudaEventDestroy(begin));
    CHECK(cudaEventDestroy(a_ready));
    CHECK(cudaEventDestroy(end));
    CHECK(cudaFreeHost(host));
    std::printf("%d wrong, %d callback(s), elapsed time is a number: %s, refused without timing: %s\n", wrong, notes,
                elapsed_ms >= 0 ? "yes" : "no", no_timing ? "yes" : "no");
    bool right = !wrong && notes == 1 && elapsed_ms >= 0 && no_timing;
    std::puts(right ? "PASS" : "FAIL streams or events misbehave");
    return !right;
}
