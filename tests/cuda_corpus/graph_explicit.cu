// A graph built node by node: memset, copies, two kernels and a host function, with dependencies; then a changed parameter.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void accumulate(int n, const int* in, int* out, int factor) {
    int i = threadIdx.x;
    if (i < n) out[i] += in[i] * factor;
}

void CUDART_CB count(void* where) { ++*(int*)where; }

int main() {
    int n = 64, in[64], out[64], *d_in, *d_out, factor = 5, calls = 0, wrong = 0;
    for (int i = 0; i < n; i++) in[i] = i * i;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    cudaGraph_t graph;
    CHECK(cudaGraphCreate(&graph, 0));
    cudaGraphNode_t copy_in, clear, first, second, copy_out, host;
    CHECK(cudaGraphAddMemcpyNode1D(&copy_in, graph, nullptr, 0, d_in, in, sizeof in, cudaMemcpyHostToDevice));
    cudaMemsetParams memset_parameters = {};
    memset_parameters.dst = d_out;
    memset_parameters.elementSize = 4;
    memset_parameters.width = n;
    memset_parameters.height = 1;
    CHECK(cudaGraphAddMemsetNode(&clear, graph, nullptr, 0, &memset_parameters));
    void* arguments[] = {&n, &d_in, &d_out, &factor};
    cudaKernelNodeParams kernel = {};
    kernel.func = (void*)accumulate;
    kernel.gridDim = dim3(1);
    kernel.blockDim = dim3(64);
    kernel.kernelParams = arguments;
    cudaGraphNode_t before_first[] = {copy_in, clear};
    CHECK(cudaGraphAddKernelNode(&first, graph, before_first, 2, &kernel));
    CHECK(cudaGraphAddKernelNode(&second, graph, &first, 1, &kernel));
    CHECK(cudaGraphAddMemcpyNode1D(&copy_out, graph, &second, 1, out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    cudaHostNodeParams host_parameters = {count, &calls};
    CHECK(cudaGraphAddHostNode(&host, graph, &copy_out, 1, &host_parameters));
    cudaGraphExec_t executable;
    CHECK(cudaGraphInstantiate(&executable, graph, 0));
    cudaStream_t stream;
    CHECK(cudaStreamCreate(&stream));
    CHECK(cudaGraphLaunch(executable, stream));
    CHECK(cudaStreamSynchronize(stream));
    for (int i = 0; i < n; i++) wrong += out[i] != 10 * i * i;
    factor = 7;
    CHECK(cudaGraphExecKernelNodeSetParams(executable, second, &kernel));
    CHECK(cudaGraphLaunch(executable, stream));
    CHECK(cudaStreamSynchronize(stream));
    for (int i = 0; i < n; i++) wrong += out[i] != 12 * i * i;
    CHECK(cudaGraphExecDestroy(executable));
    CHECK(cudaGraphDestroy(graph));
    std::printf("out[3] = %d, %d host calls, %d wrong\n", out[3], calls, wrong);
    bool right = !wrong && calls == 2;
    std::puts(right ? "PASS" : "FAIL graph misbehaves");
    return !right;
}
