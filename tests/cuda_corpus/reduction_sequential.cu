// Reduction, style 3: sequential addressing; here of a maximum and where it stands.
#include <cfloat>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

struct Best {
    float value;
    int index;
};

__device__ Best better(Best a, Best b) { return b.value > a.value || (b.value == a.value && b.index < a.index) ? b : a; }

__global__ void reduce(int n, const float* in, Best* best) {
    __shared__ Best bests[128];
    Best mine = {-FLT_MAX, n};
    for (int i = threadIdx.x; i < n; i += blockDim.x) mine = better(mine, {in[i], i});
    bests[threadIdx.x] = mine;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) bests[threadIdx.x] = better(bests[threadIdx.x], bests[threadIdx.x + half]);
        __syncthreads();
    }
    if (threadIdx.x == 0) *best = bests[0];
}

int main() {
    const int n = 4001;
    static float in[n];
    Best expected = {-FLT_MAX, n}, best;
    for (int i = 0; i < n; i++) {
        in[i] = (float)((i * 1103515245LL + 12345) % 997);
        if (in[i] > expected.value) expected = {in[i], i};
    }
    float* d_in;
    Best* d_best;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_best, sizeof best));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    reduce<<<1, 128>>>(n, d_in, d_best);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&best, d_best, sizeof best, cudaMemcpyDeviceToHost));
    bool right = best.value == expected.value && best.index == expected.index;
    std::printf("largest %g at %d, expected %g at %d\n", best.value, best.index, expected.value, expected.index);
    std::puts(right ? "PASS" : "FAIL largest differs");
    return !right;
}
