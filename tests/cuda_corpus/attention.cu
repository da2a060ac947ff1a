// Attention in one pass with an online softmax: tiles of keys and values in shared memory, one query per thread.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int queries = 64, keys = 96, depth = 16, tile = 32;

__global__ void attend(const float* q, const float* k, const float* v, float* out) {
    __shared__ float tile_k[tile][depth], tile_v[tile][depth];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float query[depth], sum[depth] = {}, greatest = -INFINITY, weight = 0;
    for (int d = 0; d < depth; d++) query[d] = q[i * depth + d] * 0.25f;
    for (int first = 0; first < keys; first += tile) {
        __syncthreads();
        for (int j = threadIdx.x; j < tile * depth; j += blockDim.x) {
            tile_k[j / depth][j % depth] = k[first * depth + j];
            tile_v[j / depth][j % depth] = v[first * depth + j];
        }
        __syncthreads();
        for (int j = 0; j < tile; j++) {
            float score = 0;
            for (int d = 0; d < depth; d++) score += query[d] * tile_k[j][d];
            float now = fmaxf(greatest, score), rescale = expf(greatest - now), p = expf(score - now);
            weight = weight * rescale + p;
            for (int d = 0; d < depth; d++) sum[d] = sum[d] * rescale + p * tile_v[j][d];
            greatest = now;
        }
    }
    for (int d = 0; d < depth; d++) out[i * depth + d] = sum[d] / weight;
}

int main() {
    static float q[queries * depth], k[keys * depth], v[keys * depth], out[queries * depth];
    for (int i = 0; i < queries * depth; i++) q[i] = std::sin(i * 0.11f) * 2;
    for (int i = 0; i < keys * depth; i++) k[i] = std::cos(i * 0.07f) * 2, v[i] = (i % 31) * 0.1f;
    float *d_q, *d_k, *d_v, *d_out;
    CHECK(cudaMalloc(&d_q, sizeof q));
    CHECK(cudaMalloc(&d_k, sizeof k));
    CHECK(cudaMalloc(&d_v, sizeof v));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_q, q, sizeof q, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_k, k, sizeof k, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_v, v, sizeof v, cudaMemcpyHostToDevice));
    attend<<<queries / 32, 32>>>(d_q, d_k, d_v, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    double worst = 0;
    for (int i = 0; i < queries; i++) {
        double scores[keys], greatest = -1e30, weight = 0;
        for (int j = 0; j < keys; j++) {
            scores[j] = 0;
            for (int d = 0; d < depth; d++) scores[j] += 0.25 * q[i * depth + d] * k[j * depth + d];
            greatest = std::fmax(greatest, scores[j]);
        }
        for (int j = 0; j < keys; j++) weight += scores[j] = std::exp(scores[j] - greatest);
        for (int d = 0; d < depth; d++) {
            double sum = 0;
            for (int j = 0; j < keys; j++) sum += scores[j] / weight * v[j * depth + d];
            worst = std::fmax(worst, std::fabs(sum - out[i * depth + d]));
        }
    }
    std::printf("out[100] = %.3f, worst error below 1e-4: %s\n", out[100], worst < 1e-4 ? "yes" : "no");
    std::puts(worst < 1e-4 ? "PASS" : "FAIL results differ");
    return !(worst < 1e-4);
}
