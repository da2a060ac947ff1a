// Single-precision functions against libm in double, within the errors that CUDA documents (a little more: 8 ulp).
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int functions = 28;
const char* names[functions] = {"sin",  "cos",  "tan",   "asin",  "acos",  "atan",  "exp",   "exp2", "exp10", "expm1", "log",  "log2", "log10", "log1p",
                                "sqrt", "cbrt", "rsqrt", "sinh",  "cosh",  "tanh",  "erf",   "erfc", "tgamma", "lgamma", "pow", "hypot", "atan2", "fmod"};

__global__ void compute(int n, const float* in, float* out) {
    int i = threadIdx.x;
    if (i >= n) return;
    float x = in[i], p = fabsf(x) + 0.01f, u = x / 11.0f, *o = out + i * functions;
    o[0] = sinf(x), o[1] = cosf(x), o[2] = tanf(x), o[3] = asinf(u), o[4] = acosf(u), o[5] = atanf(x), o[6] = expf(x);
    o[7] = exp2f(x), o[8] = exp10f(x), o[9] = expm1f(x), o[10] = logf(p), o[11] = log2f(p), o[12] = log10f(p), o[13] = log1pf(p);
    o[14] = sqrtf(p), o[15] = cbrtf(x), o[16] = rsqrtf(p), o[17] = sinhf(x), o[18] = coshf(x), o[19] = tanhf(x), o[20] = erff(u);
    o[21] = erfcf(u), o[22] = tgammaf(p), o[23] = lgammaf(p + 3.0f), o[24] = powf(p, u), o[25] = hypotf(x, 3.0f), o[26] = atan2f(x, -2.0f);
    o[27] = fmodf(x * 100.0f, 7.0f);
}

void reference(float f, double* o) {
    float pf = std::fabs(f) + 0.01f, uf = f / 11.0f, scaled = f * 100.0f, shifted = pf + 3.0f;
    double x = f, p = pf, u = uf;
    double values[functions] = {std::sin(x), std::cos(x), std::tan(x), std::asin(u), std::acos(u), std::atan(x), std::exp(x), std::exp2(x),
                                std::pow(10.0, x), std::expm1(x), std::log(p), std::log2(p), std::log10(p), std::log1p(p), std::sqrt(p),
                                std::cbrt(x), 1 / std::sqrt(p), std::sinh(x), std::cosh(x), std::tanh(x), std::erf(u), std::erfc(u),
                                std::tgamma(p), std::lgamma((double)shifted), std::pow(p, u), std::hypot(x, 3.0), std::atan2(x, -2.0),
                                std::fmod((double)scaled, 7.0)};
    for (int i = 0; i < functions; i++) o[i] = values[i];
}

int main() {
    const int n = 41;
    float in[n], out[n * functions], *d_in, *d_out;
    for (int i = 0; i < n; i++) in[i] = (i - 20) * 0.5137f;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    compute<<<1, 64>>>(n, d_in, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < n; i++) {
        double expected[functions];
        reference(in[i], expected);
        for (int f = 0; f < functions; f++) {
            double ulp = std::ldexp(1.0, std::ilogb(std::fmax(std::fabs(expected[f]), 1e-30)) - 23);
            double error = std::fabs(out[i * functions + f] - expected[f]) / ulp;
            if (error <= 8 || std::fabs(expected[f]) < 1e-7) continue;
            std::printf("%s at %g: %.9g, expected %.9g, %.1f ulp\n", names[f], in[i], out[i * functions + f], expected[f], error);
            wrong++;
        }
    }
    std::printf("%d functions at %d points, %d wrong\n", functions, n, wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
