// Radix-2 fast Fourier transform of 256 complex numbers in shared memory, forward and back, against a direct sum.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int n = 256, bits = 8;

__global__ void fft(const float2* in, float2* out, float direction) {
    __shared__ float2 values[n];
    int i = threadIdx.x;  // n / 2 threads
    for (int k = i; k < n; k += n / 2) values[__brev(k) >> (32 - bits)] = in[k];
    for (int half = 1; half < n; half *= 2) {
        __syncthreads();
        int place = i % half, left = i / half * 2 * half + place, right = left + half;
        float sine, cosine;
        sincospif(direction * place / half, &sine, &cosine);
        float2 a = values[left], b = values[right];
        float2 turned = make_float2(b.x * cosine - b.y * sine, b.x * sine + b.y * cosine);
        values[left] = make_float2(a.x + turned.x, a.y + turned.y);
        values[right] = make_float2(a.x - turned.x, a.y - turned.y);
    }
    __syncthreads();
    for (int k = i; k < n; k += n / 2) out[k] = values[k];
}

int main() {
    float2 in[n], out[n], back[n], *d_in, *d_out, *d_back;
    for (int i = 0; i < n; i++) in[i] = make_float2(std::sin(0.3f * i) + 0.5f * std::cos(1.1f * i), i % 5 * 0.1f);
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof in));
    CHECK(cudaMalloc(&d_back, sizeof in));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    fft<<<1, n / 2>>>(d_in, d_out, -1.0f);
    fft<<<1, n / 2>>>(d_out, d_back, 1.0f);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(back, d_back, sizeof back, cudaMemcpyDeviceToHost));
    double worst = 0, worst_back = 0, peak = 0;
    int at = 0;
    for (int k = 0; k < n; k++) {
        double real = 0, imaginary = 0;
        for (int i = 0; i < n; i++) {
            double angle = -2 * 3.14159265358979323846 * k * i / n, c = std::cos(angle), s = std::sin(angle);
            real += in[i].x * c - in[i].y * s;
            imaginary += in[i].x * s + in[i].y * c;
        }
        worst = std::fmax(worst, std::fmax(std::fabs(out[k].x - real), std::fabs(out[k].y - imaginary)));
        worst_back = std::fmax(worst_back, std::fmax(std::fabs(back[k].x / n - in[k].x), std::fabs(back[k].y / n - in[k].y)));
        double size = std::hypot(real, imaginary);
        if (size > peak) peak = size, at = k;
    }
    std::printf("peak of %.1f at %d, errors below 1e-3 and 1e-5: %s\n", peak, at, worst < 1e-3 && worst_back < 1e-5 ? "yes" : "no");
    bool right = worst < 1e-3 && worst_back < 1e-5;
    std::puts(right ? "PASS" : "FAIL spectrum differs");
    return !right;
}
