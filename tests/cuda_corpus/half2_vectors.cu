// Packed half2: dot product with __hfma2, lanes swapped and combined, reinterpretation, comparison masks.
#include <cuda_fp16.h>

#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void dot(int n, const half2* a, const half2* b, float* out) {
    half2 sum = __float2half2_rn(0.0f);
    for (int i = threadIdx.x; i < n; i += 32) sum = __hfma2(a[i], b[i], sum);
    for (int offset = 16; offset > 0; offset /= 2) sum = __hadd2(sum, __shfl_down_sync(0xffffffff, sum, offset));
    if (threadIdx.x == 0) *out = __low2float(sum) + __high2float(sum);
}

__global__ void shuffle(const half2* in, half2* out, unsigned* masks) {
    int i = threadIdx.x;
    half2 value = in[i], swapped = __lowhigh2highlow(value);
    out[i] = __hmul2(__hsub2(swapped, value), __halves2half2(__float2half(2.0f), __float2half(-0.5f)));
    masks[i] = __hgt2_mask(value, swapped) ^ (__hbeq2(value, value) ? 0 : 0xff);
}

int main() {
    const int n = 200;
    half2 a[n], b[n], in[32], out[32], *d_a, *d_b, *d_in, *d_out;
    unsigned masks[32], *d_masks;
    float expected = 0, result, *d_result;
    for (int i = 0; i < n; i++) {
        float values[4] = {(float)(i % 4), (float)(i % 3 - 1), (float)(i % 2), (float)(i % 5 - 2)};
        a[i] = __floats2half2_rn(values[0], values[1]);
        b[i] = __floats2half2_rn(values[2], values[3]);
        expected += values[0] * values[2] + values[1] * values[3];
    }
    for (int i = 0; i < 32; i++) in[i] = __floats2half2_rn((float)i, 10.0f);
    CHECK(cudaMalloc(&d_a, sizeof a));
    CHECK(cudaMalloc(&d_b, sizeof b));
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_masks, sizeof masks));
    CHECK(cudaMalloc(&d_result, sizeof result));
    CHECK(cudaMemcpy(d_a, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_b, b, sizeof b, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    dot<<<1, 32>>>(n, d_a, d_b, d_result);
    shuffle<<<1, 32>>>(d_in, d_out, d_masks);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&result, d_result, sizeof result, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(masks, d_masks, sizeof masks, cudaMemcpyDeviceToHost));
    int wrong = result != expected;
    for (int i = 0; i < 32; i++) {
        wrong += __low2float(out[i]) != (10.0f - i) * 2.0f || __high2float(out[i]) != (i - 10.0f) * -0.5f;
        wrong += masks[i] != (i > 10 ? 0x0000ffffu : i < 10 ? 0xffff0000u : 0u);
    }
    std::printf("dot %g, expected %g, out[3] = (%g, %g), %d wrong\n", result, expected, __low2float(out[3]), __high2float(out[3]), wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
