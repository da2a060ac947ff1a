// mma.sync written as inline PTX, with the fragments laid out by hand: f16, bf16, tf32, s8 and f64.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

// Every kernel computes d = a b for one tile; g and t are the lane's group and its place in it.
#define LANE int lane = threadIdx.x, g = lane / 4, t = lane % 4

__global__ void mma_f16(const uint16_t* a, const uint16_t* b, float* d) {  // a: 16 x 16 by rows, b: 16 x 8 by columns
    LANE;
    auto pair = [](const uint16_t* p) { return *reinterpret_cast<const uint32_t*>(p); };
    uint32_t a0 = pair(a + g * 16 + 2 * t), a1 = pair(a + (g + 8) * 16 + 2 * t), a2 = pair(a + g * 16 + 2 * t + 8),
             a3 = pair(a + (g + 8) * 16 + 2 * t + 8), b0 = pair(b + g * 16 + 2 * t), b1 = pair(b + g * 16 + 2 * t + 8);
    float d0, d1, d2, d3, zero = 0.0f;
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%10,%10,%10};"
                 : "=f"(d0), "=f"(d1), "=f"(d2), "=f"(d3)
                 : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1), "f"(zero));
    d[g * 8 + 2 * t] = d0, d[g * 8 + 2 * t + 1] = d1, d[(g + 8) * 8 + 2 * t] = d2, d[(g + 8) * 8 + 2 * t + 1] = d3;
}

__global__ void mma_bf16(const uint16_t* a, const uint16_t* b, float* d) {  // a: 16 x 8 by rows, b: 8 x 8 by columns
    LANE;
    auto pair = [](const uint16_t* p) { return *reinterpret_cast<const uint32_t*>(p); };
    uint32_t a0 = pair(a + g * 8 + 2 * t), a1 = pair(a + (g + 8) * 8 + 2 * t), b0 = pair(b + g * 8 + 2 * t);
    float d0, d1, d2, d3, zero = 0.0f;
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%7,%7,%7};"
                 : "=f"(d0), "=f"(d1), "=f"(d2), "=f"(d3)
                 : "r"(a0), "r"(a1), "r"(b0), "f"(zero));
    d[g * 8 + 2 * t] = d0, d[g * 8 + 2 * t + 1] = d1, d[(g + 8) * 8 + 2 * t] = d2, d[(g + 8) * 8 + 2 * t + 1] = d3;
}

__global__ void mma_tf32(const uint32_t* a, const uint32_t* b, float* d) {  // a: 16 x 8 by rows, b: 8 x 8 by columns
    LANE;
    float d0, d1, d2, d3, zero = 0.0f;
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%10,%10,%10};"
                 : "=f"(d0), "=f"(d1), "=f"(d2), "=f"(d3)
                 : "r"(a[g * 8 + t]), "r"(a[(g + 8) * 8 + t]), "r"(a[g * 8 + t + 4]), "r"(a[(g + 8) * 8 + t + 4]),
                   "r"(b[g * 8 + t]), "r"(b[g * 8 + t + 4]), "f"(zero));
    d[g * 8 + 2 * t] = d0, d[g * 8 + 2 * t + 1] = d1, d[(g + 8) * 8 + 2 * t] = d2, d[(g + 8) * 8 + 2 * t + 1] = d3;
}

__global__ void mma_s8(const int8_t* a, const int8_t* b, int* d) {  // a: 16 x 32 by rows, b: 32 x 8 by columns
    LANE;
    auto four = [](const int8_t* p) { return *reinterpret_cast<const uint32_t*>(p); };
    int d0, d1, d2, d3;
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%10,%10,%10};"
                 : "=r"(d0), "=r"(d1), "=r"(d2), "=r"(d3)
                 : "r"(four(a + g * 32 + 4 * t)), "r"(four(a + (g + 8) * 32 + 4 * t)), "r"(four(a + g * 32 + 4 * t + 16)),
                   "r"(four(a + (g + 8) * 32 + 4 * t + 16)), "r"(four(b + g * 32 + 4 * t)), "r"(four(b + g * 32 + 4 * t + 16)),
                   "r"(0));
    d[g * 8 + 2 * t] = d0, d[g * 8 + 2 * t + 1] = d1, d[(g + 8) * 8 + 2 * t] = d2, d[(g + 8) * 8 + 2 * t + 1] = d3;
}

__global__ void mma_f64(const double* a, const double* b, double* d) {  // a: 8 x 4 by rows, b: 4 x 8 by columns
    LANE;
    double d0, d1;
    asm volatile("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1}, {%2}, {%3}, {%4,%4};"
                 : "=d"(d0), "=d"(d1)
                 : "d"(a[g * 4 + t]), "d"(b[g * 4 + t]), "d"(0.0));
    d[g * 8 + 2 * t] = d0, d[g * 8 + 2 * t + 1] = d1;
}

uint16_t to_f16(int value) {  // exact for small integers
    if (value == 0) return 0;
    int magnitude = abs(value), exponent = 31 - __builtin_clz(magnitude);
    return (uint16_t)((value < 0) << 15 | (exponent + 15) << 10 | ((magnitude << 10 >> exponent) & 0x3ff));
}
uint32_t to_f32(int value) {
    float number = (float)value;
    uint32_t bits;
    __builtin_memcpy(&bits, &number, 4);
    return bits;
}
uint16_t to_bf16(int value) { return (uint16_t)(to_f32(value) >> 16); }
int8_t to_s8(int value) { return (int8_t)value; }
double to_f64(int value) { return value; }

template <typename In, typename Out, typename Convert, typename Kernel>
int wrong_with(const char* name, Kernel kernel, Convert convert, int m, int k) {
    In a[16 * 32], b[32 * 8], *d_a, *d_b;
    Out d[16 * 8], *d_d;
    auto value_a = [&](int i, int j) { return (i * 5 + j * 3) % 15 - 7; };
    auto value_b = [&](int i, int j) { return (i * 11 + j * 2) % 9 - 4; };
    for (int i = 0; i < m; i++)
        for (int j = 0; j < k; j++) a[i * k + j] = convert(value_a(i, j));
    for (int j = 0; j < 8; j++)
        for (int i = 0; i < k; i++) b[j * k + i] = convert(value_b(i, j));
    CHECK(cudaMalloc(&d_a, m * k * sizeof(In)));
    CHECK(cudaMalloc(&d_b, k * 8 * sizeof(In)));
    CHECK(cudaMalloc(&d_d, m * 8 * sizeof(Out)));
    CHECK(cudaMemcpy(d_a, a, m * k * sizeof(In), cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, k * 8 * sizeof(In), cudaMemcpyHostToDevice));
    kernel<<<1, 32>>>(d_a, d_b, d_d);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(d, d_d, m * 8 * sizeof(Out), cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < 8; j++) {
            int sum = 0;
            for (int p = 0; p < k; p++) sum += value_a(i, p) * value_b(p, j);
            wrong += d[i * 8 + j] != (Out)sum;
        }
    std::printf("%s: d[5][6] = %g, %d wrong\n", name, (double)d[5 * 8 + 6], wrong);
    return wrong;
}

int main() {
    int wrong = wrong_with<uint16_t, float>("f16", mma_f16, to_f16, 16, 16);
    wrong += wrong_with<uint16_t, float>("bf16", mma_bf16, to_bf16, 16, 8);
    wrong += wrong_with<uint32_t, float>("tf32", mma_tf32, to_f32, 16, 8);
    wrong += wrong_with<int8_t, int>("s8", mma_s8, to_s8, 16, 32);
    wrong += wrong_with<double, double>("f64", mma_f64, to_f64, 8, 4);
    std::puts(wrong ? "FAIL product differs" : "PASS");
    return wrong != 0;
}
