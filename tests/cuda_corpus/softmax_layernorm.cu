// Rows normalised two ways, softmax and layer norm: block reductions of maximum, sum and variance by shuffles.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int rows = 6, columns = 200;

template <typename F>
__device__ float block_reduce(float value, F combine, float* shared) {
    for (int offset = 16; offset > 0; offset /= 2) value = combine(value, __shfl_xor_sync(0xffffffff, value, offset));
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
    __syncthreads();
    value = shared[0];
    for (int warp = 1; warp < blockDim.x / 32; warp++) value = combine(value, shared[warp]);
    __syncthreads();
    return value;
}

__global__ void normalise(const float* in, float* softmax, float* layernorm) {
    __shared__ float shared[4];
    const float* row = in + blockIdx.x * columns;
    auto plus = [](float a, float b) { return a + b; };
    float greatest = -INFINITY, sum = 0, total = 0, squares = 0;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) greatest = fmaxf(greatest, row[i]), total += row[i];
    greatest = block_reduce(greatest, [](float a, float b) { return fmaxf(a, b); }, shared);
    float mean = block_reduce(total, plus, shared) / columns;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) sum += expf(row[i] - greatest), squares += (row[i] - mean) * (row[i] - mean);
    sum = block_reduce(sum, plus, shared);
    float scale = rsqrtf(block_reduce(squares, plus, shared) / columns + 1e-5f);
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        softmax[blockIdx.x * columns + i] = expf(row[i] - greatest) / sum;
        layernorm[blockIdx.x * columns + i] = (row[i] - mean) * scale;
    }
}

int main() {
    const int n = rows * columns;
    static float in[n], soft[n], norm[n];
    for (int i = 0; i < n; i++) in[i] = std::sin(i * 0.37f) * 3 + i % 7;
    float *d_in, *d_soft, *d_norm;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_soft, sizeof in));
    CHECK(cudaMalloc(&d_norm, sizeof in));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    normalise<<<rows, 128>>>(d_in, d_soft, d_norm);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(soft, d_soft, sizeof in, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(norm, d_norm, sizeof in, cudaMemcpyDeviceToHost));
    double worst = 0, sums = 0;
    for (int row = 0; row < rows; row++) {
        const float* values = in + row * columns;
        double greatest = -1e30, sum = 0, mean = 0, variance = 0;
        for (int i = 0; i < columns; i++) greatest = std::fmax(greatest, values[i]), mean += values[i] / columns;
        for (int i = 0; i < columns; i++) sum += std::exp(values[i] - greatest), variance += (values[i] - mean) * (values[i] - mean) / columns;
        for (int i = 0; i < columns; i++) {
            worst = std::fmax(worst, std::fabs(soft[row * columns + i] - std::exp(values[i] - greatest) / sum));
            worst = std::fmax(worst, std::fabs(norm[row * columns + i] - (values[i] - mean) / std::sqrt(variance + 1e-5)));
            sums += soft[row * columns + i];
        }
    }
    std::printf("softmax sums to %.3f over %d rows, worst error below 1e-5: %s\n", sums, rows, worst < 1e-5 ? "yes" : "no");
    std::puts(worst < 1e-5 ? "PASS" : "FAIL rows differ");
    return !(worst < 1e-5);
}
