// Half precision: add, mul, fma, div, comparisons, conversions both ways, saturation and special values.
#include <cuda_fp16.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int operations = 12;

__global__ void compute(int n, const float* a, const float* b, float* out) {
    int i = threadIdx.x;
    if (i >= n) return;
    __half x = __float2half(a[i]), y = __float2half(b[i]);
    float* mine = out + i * operations;
    mine[0] = __half2float(__hadd(x, y));
    mine[1] = __half2float(__hsub(x, y));
    mine[2] = __half2float(__hmul(x, y));
    mine[3] = __half2float(__hfma(x, y, x));
    mine[4] = __half2float(__hdiv(x, y));
    mine[5] = __hlt(x, y) + 2 * __heq(x, y) + 4 * __hge(x, y) + 8 * __hisnan(x);
    mine[6] = __half2float(__hadd_sat(x, y));
    mine[7] = __half2int_rn(x);
    mine[8] = __half2float(__float2half_rz(a[i] * 1.0009f));
    mine[9] = __half2float(__int2half_rn((int)(b[i] * 100)));
    mine[10] = __half2float(__hmax(x, y)) - __half2float(__hmin(x, y));
    mine[11] = __half2float(__hneg(__habs(x)));
}

// Rounds to the nearest half (ties to even), or towards zero, in double arithmetic.
double to_half(double x, bool to_zero = false) {
    if (x == 0 || std::isnan(x) || std::isinf(x)) return x;
    int exponent;
    std::frexp(x, &exponent);
    double unit = std::ldexp(1.0, (exponent < -13 ? -13 : exponent) - 11);
    double rounded = (to_zero ? std::trunc(x / unit) : std::nearbyint(x / unit)) * unit;
    if (std::fabs(rounded) > 65504) return to_zero ? std::copysign(65504, x) : std::copysign(INFINITY, x);
    return rounded;
}

int main() {
    const int n = 10;
    float a[n] = {1.0f, 0.1f, 65504.0f, 1e-7f, 3.14159f, -2.5f, 1000.3f, 6e-5f, 0.33333f, 2049.0f};
    float b[n] = {3.0f, 0.2f, 32.0f, 2e-7f, 2.71828f, -2.5f, 0.77f, 5.0f, -0.25f, 1.0f}, out[n * operations], *d_a, *d_b, *d_out;
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    compute<<<1, 32>>>(n, d_a, d_b, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < n; i++) {
        double x = to_half(a[i]), y = to_half(b[i]), quotient = to_half(x / y);
        double sum = to_half(x + y);
        double expected[operations] = {sum, to_half(x - y), to_half(x * y), to_half(x * y + x), quotient,
                                       (double)((x < y) + 2 * (x == y) + 4 * (x >= y)), std::fmin(std::fmax(sum, 0), 1),
                                       std::nearbyint(x), to_half(a[i] * 1.0009f, true), to_half((int)(b[i] * 100)),
                                       std::fabs(x - y), -std::fabs(x)};
        for (int o = 0; o < operations; o++) {
            double tolerance = o == 4 ? std::fabs(quotient) * 1e-3 : o == 10 ? 1e-3 * std::fabs(x) : 0;
            if (!(out[i * operations + o] == expected[o] || std::fabs(out[i * operations + o] - expected[o]) <= tolerance)) {
                std::printf("operation %d of %g and %g: %.9g, expected %.9g\n", o, a[i], b[i], out[i * operations + o], expected[o]);
                wrong++;
            }
        }
    }
    std::printf("0.1 + 0.2 in half: %.9g, 65504 + 32: %g, %d wrong\n", out[operations], out[2 * operations], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
