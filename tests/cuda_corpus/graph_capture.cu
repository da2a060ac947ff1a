// A graph captured from two streams (fork and join), instantiated once and launched several times.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void scale(int n, int factor, int* values) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) values[i] *= factor;
}

__global__ void add(int n, const int* a, int* b) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) b[i] += a[i];
}

int main() {
    const int n = 300;
    int a[n], b[n], *d_a, *d_b, wrong = 0;
    for (int i = 0; i < n; i++) a[i] = i, b[i] = 1;
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    cudaStream_t main_stream, side;
    cudaEvent_t fork, join;
    CHECK(cudaStreamCreate(&main_stream));
    CHECK(cudaStreamCreate(&side));
    CHECK(cudaEventCreate(&fork));
    CHECK(cudaEventCreate(&join));
    CHECK(cudaStreamBeginCapture(main_stream, cudaStreamCaptureModeGlobal));
    CHECK(cudaEventRecord(fork, main_stream));
    CHECK(cudaStreamWaitEvent(side, fork, 0));
    scale<<<3, 128, 0, main_stream>>>(n, 2, d_a);
    scale<<<3, 128, 0, side>>>(n, 3, d_b);
    CHECK(cudaEventRecord(join, side));
    CHECK(cudaStreamWaitEvent(main_stream, join, 0));
    add<<<3, 128, 0, main_stream>>>(n, d_a, d_b);
    cudaStreamCaptureStatus status;
    CHECK(cudaStreamIsCapturing(main_stream, &status));
    cudaGraph_t graph;
    CHECK(cudaStreamEndCapture(main_stream, &graph));
    size_t nodes = 0;
    CHECK(cudaGraphGetNodes(graph, nullptr, &nodes));
    int untouched = -1;
    CHECK(cudaMemcpy(&untouched, d_a + 1, sizeof untouched, cudaMemcpyDeviceToHost));
    cudaGraphExec_t executable;
    CHECK(cudaGraphInstantiate(&executable, graph, 0));
    for (int launch = 0; launch < 3; launch++) CHECK(cudaGraphLaunch(executable, main_stream));
    CHECK(cudaStreamSynchronize(main_stream));
    CHECK(cudaMemcpy(b, d_b, sizeof b, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) {
        int host_a = i, host_b = 1;
        for (int launch = 0; launch < 3; launch++) host_a *= 2, host_b = host_b * 3 + host_a;
        wrong += b[i] != host_b;
    }
    CHECK(cudaGraphExecDestroy(executable));
    CHECK(cudaGraphDestroy(graph));
    std::printf("%d nodes, b[10] = %d, %d wrong\n", (int)nodes, b[10], wrong);
    bool right = !wrong && nodes == 3 && untouched == 1 && status == cudaStreamCaptureStatusActive;
    std::puts(right ? "PASS" : "FAIL graph misbehaves");
    return !right;
}
