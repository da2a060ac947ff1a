// Option prices three ways: closed form, Monte Carlo with a generator of our own, and a binomial tree in shared memory.
#include <cstdio>
#include <cmath>
#include <cstdint>

struct Rng {
    uint32_t s[4];
    __host__ __device__ Rng(uint32_t seed) {
        for (int i = 0; i < 4; i++) {
            seed += 0x9e3779b9u;
            uint32_t z = seed;
            z = (z ^ z >> 16) * 0x85ebca6bu;
            z = (z ^ z >> 13) * 0xc2b2ae35u;
            s[i] = z ^ z >> 16;
        }
    }
    __host__ __device__ uint32_t next() {
        uint32_t r = s[0] + s[3], t = s[1] << 9;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3] << 11 | s[3] >> 21;
        return r;
    }
    __host__ __device__ float uniform() { return (next() >> 8) * (1.0f / 16777216.0f) + 1.0f / 33554432.0f; }
};

__global__ void closed(float* out, const float* S, const float* K, const float* T, float r, float v, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float sq = sqrtf(T[i]), d1 = (logf(S[i] / K[i]) + (r + 0.5f * v * v) * T[i]) / (v * sq), d2 = d1 - v * sq;
    out[i] = S[i] * normcdff(d1) - K[i] * expf(-r * T[i]) * normcdff(d2);
}

__global__ void monte(double* out, float S, float K, float T, float r, float v, int paths) {
    Rng rng(blockIdx.x * blockDim.x + threadIdx.x);
    double sum = 0;
    for (int p = 0; p < paths; p += 2) {
        float u1 = rng.uniform(), u2 = rng.uniform(), m = sqrtf(-2 * logf(u1)), s, c;
        sincospif(2 * u2, &s, &c);
        float a = (r - 0.5f * v * v) * T, b = v * sqrtf(T);
        sum += fmaxf(S * expf(a + b * m * c) - K, 0) + fmaxf(S * expf(a + b * m * s) - K, 0);
    }
    for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(~0u, sum, o);
    if (threadIdx.x % 32 == 0) atomicAdd(out, sum * exp(-r * T));
}

__global__ void tree(float* out, float S, float K, float T, float r, float v, int steps) {
    extern __shared__ float c[];
    float dt = T / steps, u = expf(v * sqrtf(dt)), q = (expf(r * dt) - 1 / u) / (u - 1 / u), df = expf(-r * dt);
    for (int i = threadIdx.x; i <= steps; i += blockDim.x) c[i] = fmaxf(S * powf(u, 2.0f * i - steps) - K, 0);
    for (int t = steps; t > 0; t--) {
        __syncthreads();
        float mine[4];
        int k = 0;
        for (int i = threadIdx.x; i < t; i += blockDim.x) mine[k++] = df * (q * c[i + 1] + (1 - q) * c[i]);
        __syncthreads();
        k = 0;
        for (int i = threadIdx.x; i < t; i += blockDim.x) c[i] = mine[k++];
    }
    if (threadIdx.x == 0) *out = c[0];
}

static double reference(double S, double K, double T, double r, double v) {
    double d1 = (log(S / K) + (r + v * v / 2) * T) / (v * sqrt(T)), d2 = d1 - v * sqrt(T);
    return S * 0.5 * erfc(-d1 / sqrt(2)) - K * exp(-r * T) * 0.5 * erfc(-d2 / sqrt(2));
}

int main() {
    const int n = 300;
    float *S, *K, *T, *o;
    double* mc;
    cudaMallocManaged(&S, n * 4);
    cudaMallocManaged(&K, n * 4);
    cudaMallocManaged(&T, n * 4);
    cudaMallocManaged(&o, n * 4);
    cudaMallocManaged(&mc, 8);
    *mc = 0;
    for (int i = 0; i < n; i++) {
        S[i] = 5 + i % 26;
        K[i] = 1 + i % 90;
        T[i] = 0.25f + i % 40 * 0.25f;
    }
    closed<<<3, 128>>>(o, S, K, T, 0.02f, 0.3f, n);
    cudaDeviceSynchronize();
    double worst = 0;
    for (int i = 0; i < n; i++) worst = fmax(worst, fabs(o[i] - reference(S[i], K[i], T[i], 0.02f, 0.3f)));
    double want = reference(100, 105, 1, 0.05, 0.2);
    monte<<<8, 128>>>(mc, 100, 105, 1, 0.05f, 0.2f, 64);
    tree<<<1, 64, 201 * 4>>>(o, 100, 105, 1, 0.05f, 0.2f, 200);
    cudaDeviceSynchronize();
    double simulated = *mc / (8 * 128 * 64);
    printf("the price is %s\n", fabs(simulated - want) < 0.3 ? "near" : "far off");
    bool ok = worst < 1e-4 && fabs(simulated - want) < 0.3 && fabs(o[0] - want) < 0.05;
    std::puts(ok ? "PASS" : "FAIL results differ");
    return !ok;
}
