// Inline PTX as tutorials show it: special registers, predicates, wide multiplication, cache operators, votes.
#include <cstdio>
#include <cmath>
#include <cstdint>

__device__ __forceinline__ unsigned lane() {
    unsigned r;
    asm("mov.u32 %0, %%laneid;" : "=r"(r));
    return r;
}

__device__ __forceinline__ unsigned warp() {
    unsigned r;
    asm volatile("mov.u32 %0, %warpid;" : "=r"(r));
    return r;
}

__device__ __forceinline__ int cube(int x) {
    int y;
    asm("{\n\t .reg .u32 t1;\n\t mul.lo.u32 t1, %1, %1;\n\t mul.lo.u32 %0, t1, %1;\n\t}" : "=r"(y) : "r"(x));
    return y;
}

__device__ int clampit(int x, int lo, int hi) {
    int r;
    asm("{ .reg .pred p, q; setp.lt.s32 p, %1, %2; setp.gt.s32 q, %1, %3; mov.s32 %0, %1; @p mov.s32 %0, %2; @q "
        "mov.s32 %0, %3; }"
        : "=&r"(r)
        : "r"(x), "r"(lo), "r"(hi));
    return r;
}

__global__ void k(const int* in, int* out, unsigned long long* wide, float* f, double* d) {
    int i = threadIdx.x, v;
    asm volatile("ld.global.nc.s32 %0, [%1];" : "=r"(v) : "l"(in + i));
    int w;
    asm volatile("ld.global.ca.s32 %0, [%1];" : "=r"(w) : "l"(in + i) : "memory");
    unsigned long long m;
    asm("mul.wide.u32 %0, %1, %2;" : "=l"(m) : "r"(v + 0x7fffffff), "r"(w + 5));
    wide[i] = m;
    int b;
    asm("bfind.u32 %0, %1;" : "=r"(b) : "r"(v + 1));
    unsigned p;
    asm("prmt.b32 %0, %1, %2, 0x3715;" : "=r"(p) : "r"(v * 0x01010101), "r"(i));
    unsigned l;
    asm("lop3.b32 %0, %1, %2, %3, 0x96;" : "=r"(l) : "r"(v), "r"(i), "r"(7));
    unsigned rev;
    asm("brev.b32 %0, %1;" : "=r"(rev) : "r"(l));
    unsigned s;
    asm volatile("shfl.sync.bfly.b32 %0, %1, 1, 0x1f, 0xffffffff;" : "=r"(s) : "r"(i));
    unsigned ballot;
    asm volatile("{ .reg .pred p; setp.ne.u32 p, %1, 0; vote.sync.ballot.b32 %0, p, 0xffffffff; }"
                 : "=r"(ballot)
                 : "r"(v & 1));
    float e;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(e) : "f"((float)(i % 8)));
    float q;
    asm("fma.rn.f32 %0, %1, %1, %2;" : "=f"(q) : "f"(0.5f * i), "f"(1.0f));
    double r;
    asm("sqrt.rn.f64 %0, %1;" : "=d"(r) : "d"((double)i));
    unsigned short h;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"((float)i));
    asm volatile("st.global.cs.s32 [%0], %1;" ::"l"(out + 8 * i), "r"(cube(v)) : "memory");
    out[8 * i + 1] = clampit(v, 10, 60);
    out[8 * i + 2] = b;
    out[8 * i + 3] = p;
    out[8 * i + 4] = rev;
    out[8 * i + 5] = s + 1000 * (warp() * 32 + lane());
    out[8 * i + 6] = ballot;
    out[8 * i + 7] = h;
    asm volatile("bar.sync 1, 64;");
    asm volatile("membar.gl;");
    f[i] = e + q;
    d[i] = r;
    unsigned long long t0, t1;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(t0));
    asm volatile("mov.u64 %0, %clock64;" : "=l"(t1));
    if (t0 == 0 || t1 == 0) out[0] = -1;
}

int main() {
    const int n = 64;
    int in[n], out[8 * n];
    unsigned long long wide[n];
    float f[n];
    double d[n];
    int *din, *dout;
    unsigned long long* dw;
    float* df;
    double* dd;
    for (int i = 0; i < n; i++) in[i] = i * 3 % 71;
    cudaMalloc(&din, sizeof in);
    cudaMalloc(&dout, sizeof out);
    cudaMalloc(&dw, sizeof wide);
    cudaMalloc(&df, sizeof f);
    cudaMalloc(&dd, sizeof d);
    cudaMemcpy(din, in, sizeof in, cudaMemcpyHostToDevice);
    k<<<1, n>>>(din, dout, dw, df, dd);
    cudaMemcpy(out, dout, sizeof out, cudaMemcpyDeviceToHost);
    cudaMemcpy(wide, dw, sizeof wide, cudaMemcpyDeviceToHost);
    cudaMemcpy(f, df, sizeof f, cudaMemcpyDeviceToHost);
    cudaMemcpy(d, dd, sizeof d, cudaMemcpyDeviceToHost);
    int wrong = cudaGetLastError() != cudaSuccess;
    for (int i = 0; i < n; i++) {
        unsigned v = in[i], x = v * 0x01010101u, l = v ^ i ^ 7, rev = 0, ballot = 0;
        uint64_t both = (uint64_t)(unsigned)i << 32 | x;
        unsigned p = 0;
        for (int k = 0; k < 4; k++) p |= (unsigned)(both >> 8 * ((0x3715 >> 4 * k) & 7) & 0xff) << 8 * k;
        for (int k = 0; k < 32; k++) rev |= (l >> k & 1) << (31 - k);
        for (int k = 0; k < 32; k++) ballot |= (unsigned)(in[i / 32 * 32 + k] & 1) << k;
        int* o = out + 8 * i;
        bool ok = o[0] == (int)(v * v * v) &&
                  o[1] == (v < 10   ? 10
                           : v > 60 ? 60
                                    : (int)v) &&
                  o[2] == 31 - __builtin_clz(v + 1) && (unsigned)o[3] == p && (unsigned)o[4] == rev &&
                  o[5] == (i ^ 1) % 32 + (i / 32 * 32) + 1000 * i && (unsigned)o[6] == ballot &&
                  wide[i] == (uint64_t)(v + 0x7fffffffu) * (v + 5) && f[i] == exp2f(i % 8) + (0.25f * i * i + 1) &&
                  d[i] == std::sqrt((double)i);
        if (!ok) printf("%d\n", i);
        wrong += !ok;
    }
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
