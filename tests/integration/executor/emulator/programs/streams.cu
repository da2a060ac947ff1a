// Streams, events, callbacks; graphs captured and built by hand.
#include "expect.h"

static int calls;
static int *device, *host;
static const int COUNT = 256, BYTES = COUNT * sizeof(int);
static cudaStream_t first, second;
static cudaEvent_t began, ended;

static void count_call(void *counter) { ++*(int *)counter; }

static void count_callback(cudaStream_t, cudaError_t error, void *counter) {
    IS(error, cudaSuccess);
    count_call(counter);
}

static void order() {
    float milliseconds = -1;
    OK(cudaEventRecord(began, first));
    OK(cudaMemsetAsync(device, 0, BYTES, first));
    add<<<1, COUNT, 0, first>>>(device, COUNT, 3);
    OK(cudaEventRecord(ended, first));
    OK(cudaStreamWaitEvent(second, ended, 0));
    OK(cudaMemcpyAsync(host, device, BYTES, cudaMemcpyDeviceToHost, second));
    OK(cudaStreamSynchronize(second));
    IS(host[COUNT - 1], 3);
    OK(cudaEventElapsedTime(&milliseconds, began, ended));
    IS(milliseconds >= 0, true);
    OK(cudaStreamQuery(first));
    OK(cudaEventQuery(ended));
    OK(cudaLaunchHostFunc(first, count_call, &calls));
    OK(cudaStreamAddCallback(first, count_callback, &calls, 0));
    OK(cudaStreamSynchronize(first));
    IS(calls, 2);
}

static void capture() {
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    size_t nodes;
    calls = 0;
    OK(cudaMemset(device, 0, BYTES));
    OK(cudaStreamBeginCapture(first, cudaStreamCaptureModeGlobal));
    add<<<1, COUNT, 0, first>>>(device, COUNT, 1);
    OK(cudaEventRecord(began, first));
    OK(cudaStreamWaitEvent(second, began, 0));
    add<<<1, COUNT, 0, second>>>(device, COUNT / 2, 10);
    OK(cudaEventRecord(ended, second));
    OK(cudaStreamWaitEvent(first, ended, 0));
    OK(cudaLaunchHostFunc(first, count_call, &calls));
    OK(cudaMemcpyAsync(host, device, BYTES, cudaMemcpyDeviceToHost, first));
    OK(cudaStreamEndCapture(first, &graph));
    IS(calls, 0);
    OK(cudaGraphGetNodes(graph, nullptr, &nodes));
    IS(nodes, 4u);
    OK(cudaGraphInstantiate(&executable, graph, 0));
    for (int i = 0; i < 3; i++) OK(cudaGraphLaunch(executable, first));
    OK(cudaStreamSynchronize(first));
    IS(host[0], 33);
    IS(host[COUNT - 1], 3);
    IS(calls, 3);
    OK(cudaGraphExecDestroy(executable));
    OK(cudaGraphDestroy(graph));

    OK(cudaStreamBeginCapture(first, cudaStreamCaptureModeGlobal));
    OK(cudaEventRecord(began, first));
    OK(cudaStreamWaitEvent(second, began, 0));
    add<<<1, 1, 0, second>>>(device, 1, 1);
    FAILS(cudaStreamSynchronize(first), cudaErrorStreamCaptureUnsupported);
    FAILS(cudaStreamEndCapture(first, &graph), cudaErrorStreamCaptureUnjoined);
}

static void by_hand() {
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    cudaGraphNode_t fill, kernel, copy;
    cudaMemsetParams five = {};
    five.dst = device;
    five.value = 5;
    five.elementSize = 4;
    five.width = COUNT;
    five.height = 1;
    int count = COUNT, amount = 4;
    void *arguments[] = {&device, &count, &amount};
    cudaKernelNodeParams adding = {};
    adding.func = (void *)add;
    adding.gridDim = dim3(1);
    adding.blockDim = dim3(COUNT);
    adding.kernelParams = arguments;
    OK(cudaGraphCreate(&graph, 0));
    OK(cudaGraphAddMemcpyNode1D(&copy, graph, nullptr, 0, host, device, BYTES, cudaMemcpyDeviceToHost));
    OK(cudaGraphAddMemsetNode(&fill, graph, nullptr, 0, &five));
    OK(cudaGraphAddKernelNode(&kernel, graph, &fill, 1, &adding));
    OK(cudaGraphAddDependencies(graph, &kernel, &copy, nullptr, 1));    // the copy was added first and runs last
    OK(cudaGraphInstantiate(&executable, graph, 0));
    OK(cudaGraphLaunch(executable, 0));
    OK(cudaDeviceSynchronize());
    IS(host[9], 9);
    amount = 40;
    OK(cudaGraphExecKernelNodeSetParams(executable, kernel, &adding));
    OK(cudaGraphLaunch(executable, 0));
    OK(cudaDeviceSynchronize());
    IS(host[9], 45);
    OK(cudaGraphExecDestroy(executable));
    OK(cudaGraphDestroy(graph));
}

int main() {
    OK(cudaMalloc(&device, BYTES));
    OK(cudaMallocHost(&host, BYTES));
    OK(cudaStreamCreate(&first));
    OK(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
    OK(cudaEventCreate(&began));
    OK(cudaEventCreate(&ended));
    order();
    capture();
    by_hand();
    OK(cudaStreamDestroy(first));
    FAILS(cudaStreamSynchronize(first), cudaErrorInvalidResourceHandle);
    puts("done");
}
