// All shortest paths, Floyd and Warshall: one launch per intermediate node.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int n = 48, none = 1 << 28;

__global__ void relax(int* distances, int via) {
    int from = blockIdx.y * blockDim.y + threadIdx.y, to = blockIdx.x * blockDim.x + threadIdx.x;
    int through = distances[from * n + via] + distances[via * n + to];
    if (through < distances[from * n + to]) distances[from * n + to] = through;
}

int main() {
    static int distances[n * n], expected[n * n];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            distances[i * n + j] = expected[i * n + j] = i == j ? 0 : (i * 7 + j * 13) % 11 < 2 ? 1 + (i * j) % 17 : none;
    int *d_distances, wrong = 0, reachable = 0;
    CHECK(cudaMalloc(&d_distances, sizeof distances));
    CHECK(cudaMemcpy(d_distances, distances, sizeof distances, cudaMemcpyHostToDevice));
    for (int via = 0; via < n; via++) relax<<<dim3(n / 16, n / 8), dim3(16, 8)>>>(d_distances, via);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(distances, d_distances, sizeof distances, cudaMemcpyDeviceToHost));
    for (int via = 0; via < n; via++)
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                if (expected[i * n + via] + expected[via * n + j] < expected[i * n + j]) expected[i * n + j] = expected[i * n + via] + expected[via * n + j];
    for (int i = 0; i < n * n; i++) {
        wrong += distances[i] != expected[i];
        reachable += distances[i] < none;
    }
    std::printf("%d pairs reachable, 3 to 40 is %d, %d wrong\n", reachable, distances[3 * n + 40], wrong);
    std::puts(wrong ? "FAIL distances differ" : "PASS");
    return wrong != 0;
}
