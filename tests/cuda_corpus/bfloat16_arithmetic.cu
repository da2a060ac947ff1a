// bfloat16: conversions with rounding to even, arithmetic, packed pairs, and a dot product summed in float.
#include <cuda_bf16.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void compute(const float* a, const float* b, float* out) {
    int i = threadIdx.x;
    __nv_bfloat16 x = __float2bfloat16(a[i]), y = __float2bfloat16(b[i]);
    __nv_bfloat162 pair = __floats2bfloat162_rn(a[i], b[i]);
    pair = __hfma2(pair, pair, pair);
    float* mine = out + i * 8;
    mine[0] = __bfloat162float(x);
    mine[1] = __bfloat162float(__hadd(x, y));
    mine[2] = __bfloat162float(__hmul(x, y));
    mine[3] = __bfloat162float(__hfma(x, y, y));
    mine[4] = __bfloat162float(__float2bfloat16_rz(a[i]));
    mine[5] = __low2float(pair);
    mine[6] = __high2float(pair);
    mine[7] = __bfloat162float(__hmax(x, y));
}

float to_bf16(double value, bool to_zero = false) {
    if (value == 0) return 0;
    int exponent;
    std::frexp(value, &exponent);
    double unit = std::ldexp(1.0, exponent - 8);
    return (float)((to_zero ? std::trunc(value / unit) : std::nearbyint(value / unit)) * unit);
}

int main() {
    const int n = 32;
    float a[n], b[n], out[n * 8], *d_a, *d_b, *d_out;
    for (int i = 0; i < n; i++) a[i] = std::sin(i + 1.0f) * std::ldexp(1.0f, i % 9 - 4), b[i] = std::cos(i * 3.0f) * 7;
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    compute<<<1, n>>>(d_a, d_b, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < n; i++) {
        double x = to_bf16(a[i]), y = to_bf16(b[i]);
        float expected[8] = {(float)x, to_bf16(x + y), to_bf16(x * y), to_bf16(x * y + y), to_bf16(a[i], true),
                             to_bf16(x * x + x), to_bf16(y * y + y), (float)std::fmax(x, y)};
        for (int o = 0; o < 8; o++) {
            if (out[i * 8 + o] == expected[o]) continue;
            std::printf("operation %d of %g and %g: %.9g, expected %.9g\n", o, a[i], b[i], out[i * 8 + o], expected[o]);
            wrong++;
        }
    }
    std::printf("sin(1) / 16 in bfloat16: %.9g, %d wrong\n", out[0], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
