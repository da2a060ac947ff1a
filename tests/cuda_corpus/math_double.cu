// Double-precision functions against libm, classification, and special values: infinities, NaN, signed zero, denormals.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int functions = 16, specials = 12;

__global__ void compute(int n, const double* in, double* out) {
    int i = threadIdx.x;
    if (i >= n) return;
    double x = in[i], p = fabs(x) + 0.01, *o = out + i * functions;
    o[0] = sin(x), o[1] = cos(x), o[2] = exp(x), o[3] = log(p), o[4] = pow(p, 1.3), o[5] = sqrt(p), o[6] = cbrt(x), o[7] = atan2(x, 2.0);
    o[8] = tanh(x), o[9] = erf(x), o[10] = floor(x * 3), o[11] = rint(x * 2.5), o[12] = fmod(x * 50, 3.3), o[13] = fma(x, x, -p);
    int exponent;
    o[14] = frexp(x * 1000, &exponent) + exponent;
    o[15] = ldexp(x, 5) + trunc(x) + round(x * 0.5) + copysign(2.0, x) + fdim(x, 1.0);
}

__global__ void special(double zero, int* out) {
    double infinity = 1 / zero, nan = infinity - infinity;
    float tiny = 1e-40f + (float)zero;  // a denormal
    out[0] = isinf(infinity) && infinity > 0;
    out[1] = isnan(nan) && nan != nan;
    out[2] = isinf(-1 / zero);
    out[3] = signbit(-zero) != 0;
    out[4] = -zero == zero;
    out[5] = fmax(nan, 3.0) == 3.0 && fmin(2.0, nan) == 2.0;
    out[6] = tiny > 0 && tiny * 0.5f > 0 && tiny * 0.5f < tiny;
    out[7] = isnan(sqrt(-1 + zero)) && isnan(log(-1 + zero)) && isinf(log(zero));
    out[8] = exp(-infinity) == 0 && isinf(exp(710 + zero)) && tanh(infinity) == 1;
    out[9] = (int)(float)(3e9 + zero) == 2147483647 && (int)(float)(-3e9 + zero) == -2147483647 - 1 && (int)(float)nan == 0;
    out[10] = isfinite(1e308 + zero) && !isfinite((float)(1e308 + zero));
    out[11] = !(nan < 1) && !(nan > 1) && !(nan == 1) && !(nan >= 1);
}

void reference(double x, double* o) {
    double p = std::fabs(x) + 0.01;
    int exponent;
    double fraction = std::frexp(x * 1000, &exponent);
    double values[functions] = {std::sin(x), std::cos(x), std::exp(x), std::log(p), std::pow(p, 1.3), std::sqrt(p), std::cbrt(x), std::atan2(x, 2.0),
                                std::tanh(x), std::erf(x), std::floor(x * 3), std::rint(x * 2.5), std::fmod(x * 50, 3.3), std::fma(x, x, -p),
                                fraction + exponent, std::ldexp(x, 5) + std::trunc(x) + std::round(x * 0.5) + std::copysign(2.0, x) + std::fdim(x, 1.0)};
    for (int i = 0; i < functions; i++) o[i] = values[i];
}

int main() {
    const int n = 33;
    double in[n], out[n * functions], *d_in, *d_out;
    int flags[specials], *d_flags, wrong = 0;
    for (int i = 0; i < n; i++) in[i] = (i - 16) * 0.3371;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_flags, sizeof flags));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    compute<<<1, 64>>>(n, d_in, d_out);
    special<<<1, 1>>>(0.0, d_flags);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(flags, d_flags, sizeof flags, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) {
        double expected[functions];
        reference(in[i], expected);
        for (int f = 0; f < functions; f++) {
            double error = std::fabs(out[i * functions + f] - expected[f]);
            if (error <= 4e-15 * std::fmax(1.0, std::fabs(expected[f]))) continue;
            std::printf("function %d at %g: %.17g, expected %.17g\n", f, in[i], out[i * functions + f], expected[f]);
            wrong++;
        }
    }
    for (int s = 0; s < specials; s++)
        if (!flags[s]) std::printf("special case %d does not hold\n", s), wrong++;
    std::printf("%d functions at %d points and %d special cases, %d wrong\n", functions, n, specials, wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
