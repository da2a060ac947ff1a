// The fast approximations: __sinf, __cosf, __expf, __logf, __powf, __fdividef, __tanf, rcp, saturate; absolute bounds.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int functions = 9;

__global__ void compute(int n, const float* in, float* out) {
    int i = threadIdx.x;
    if (i >= n) return;
    float x = in[i], p = fabsf(x) + 0.1f, *o = out + i * functions;
    o[0] = __sinf(x), o[1] = __cosf(x), o[2] = __expf(x), o[3] = __logf(p), o[4] = __log2f(p), o[5] = __powf(p, 0.7f);
    o[6] = __fdividef(x, p), o[7] = __frcp_rn(p), o[8] = __saturatef(x);
}

int main() {
    const int n = 25;
    float in[n], out[n * functions], *d_in, *d_out;
    for (int i = 0; i < n; i++) in[i] = (i - 12) * 0.26f;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    compute<<<1, 32>>>(n, d_in, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < n; i++) {
        double x = in[i], p = std::fabs(in[i]) + 0.1f;
        double expected[functions] = {std::sin(x), std::cos(x), std::exp(x), std::log(p), std::log2(p), std::pow(p, 0.7), x / p, 1 / p,
                                      std::fmin(std::fmax(x, 0), 1)};
        for (int f = 0; f < functions; f++) {
            double error = std::fabs(out[i * functions + f] - expected[f]);
            if (error <= 1e-6 * std::fmax(1, std::fabs(expected[f]))) continue;
            std::printf("function %d at %g: %.9g, expected %.9g\n", f, x, out[i * functions + f], expected[f]);
            wrong++;
        }
    }
    std::printf("%d functions at %d points, %d wrong\n", functions, n, wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
