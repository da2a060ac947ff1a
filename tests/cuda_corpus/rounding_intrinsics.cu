// Arithmetic with a chosen rounding mode: __fadd_rz and its kin, conversions, fma, division, square root; against <cfenv>.
#include <cfenv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int per_mode = 10;

#define MODE(m, suffix)                                                    \
    o[m * per_mode + 0] = __fadd_##suffix(x, y);                           \
    o[m * per_mode + 1] = __fmul_##suffix(x, y);                           \
    o[m * per_mode + 2] = __fmaf_##suffix(x, y, 0.1f);                     \
    o[m * per_mode + 3] = __fdiv_##suffix(x, y);                           \
    o[m * per_mode + 4] = __fsqrt_##suffix(fabsf(x));                      \
    o[m * per_mode + 5] = __dadd_##suffix(wide_x, wide_y);                 \
    o[m * per_mode + 6] = __ddiv_##suffix(wide_x, wide_y);                 \
    o[m * per_mode + 7] = __double2float_##suffix(wide_x);                 \
    o[m * per_mode + 8] = __float2int_##suffix(x * 10);                    \
    o[m * per_mode + 9] = __int2float_##suffix(123456789 * (i + 1));

__global__ void compute(const double* a, const double* b, double* out) {
    int i = threadIdx.x;
    double wide_x = a[i], wide_y = b[i], *o = out + i * 4 * per_mode;
    float x = (float)wide_x, y = (float)wide_y;
    MODE(0, rn)
    MODE(1, rz)
    MODE(2, ru)
    MODE(3, rd)
}

int main() {
    const int n = 16, modes[4] = {FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD};
    double a[n], b[n], out[n * 4 * per_mode], *d_a, *d_b, *d_out;
    for (int i = 0; i < n; i++) a[i] = std::sin(i + 0.3) * 7, b[i] = std::cos(i * 1.7) * 0.9 + (i % 2 ? 1e-9 : 2.5);
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    compute<<<1, n>>>(d_a, d_b, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int m = 0; m < 4; m++)
        for (int i = 0; i < n; i++) {
            volatile double wide_x = a[i], wide_y = b[i], wide_sum, wide_quotient;
            volatile float x = (float)a[i], y = (float)b[i], tenth = 0.1f, sum, product, fused, quotient, root, narrowed, from_int;
            volatile float scaled = x * 10, size = std::fabs(x);
            volatile int integer = (int)(123456789u * (i + 1));
            std::fesetround(modes[m]);
            sum = x + y, product = x * y, fused = std::fma((float)x, (float)y, (float)tenth), quotient = x / y, root = std::sqrt((float)size);
            wide_sum = wide_x + wide_y, wide_quotient = wide_x / wide_y, narrowed = (float)wide_x, from_int = (float)integer;
            double rounded = std::nearbyint((double)scaled);
            std::fesetround(FE_TONEAREST);
            double expected[per_mode] = {sum, product, fused, quotient, root, wide_sum, wide_quotient, narrowed, rounded, from_int};
            for (int o = 0; o < per_mode; o++) {
                double got = out[(i * 4 + m) * per_mode + o];
                if (got == expected[o]) continue;
                std::printf("mode %d, operation %d of %.17g %.17g: %.17g, expected %.17g\n", m, o, a[i], b[i], got, expected[o]);
                wrong++;
            }
        }
    std::printf("4 modes, %d operations, %d values, %d wrong\n", per_mode, n, wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
