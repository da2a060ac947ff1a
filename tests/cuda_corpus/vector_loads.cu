// Structures and vector types: float4, int2, uchar4, double2, aligned structs, read-only and cached loads, streaming stores.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

struct __align__(16) Particle {
    float3 position;
    int id;
    uchar4 colour;
    short2 cell;
    double mass;
};

__global__ void update(int n, const Particle* __restrict__ in, Particle* out, const int2* pairs, double2* sums) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    Particle p = in[i];
    p.position.x += p.id;
    p.colour = make_uchar4(p.colour.w, p.colour.z, p.colour.y, p.colour.x);
    p.cell.y = (short)(p.cell.x * -2);
    p.mass *= 0.5;
    out[i] = p;
    int2 pair = __ldg(&pairs[i]);
    double2 sum = make_double2(pair.x + pair.y, pair.x - pair.y);
    __stcs(&sums[i], sum);
}

__global__ void cached(const float4* in, float4* out) {
    int i = threadIdx.x;
    float4 a = __ldcg(&in[i]), b = __ldcs(&in[i]), c = __ldca(&in[i]), d = __ldlu(&in[i]);
    __stcg(&out[i], make_float4(a.x + b.y, b.z, c.w - a.x, d.y));
}

int main() {
    const int n = 150;
    static Particle in[n], out[n];
    static int2 pairs[n];
    static double2 sums[n];
    static float4 quads[32], results[32];
    for (int i = 0; i < n; i++) {
        in[i] = {make_float3(i, 2 * i, 3 * i), i % 7, make_uchar4(i, 1, 2, 255 - i), make_short2(i, 0), i * 1.5};
        pairs[i] = make_int2(i * i, -i);
    }
    for (int i = 0; i < 32; i++) quads[i] = make_float4(i, i + 0.5f, -i, 100 + i);
    Particle *d_in, *d_out;
    int2* d_pairs;
    double2* d_sums;
    float4 *d_quads, *d_results;
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_pairs, sizeof pairs));
    CHECK(cudaMalloc(&d_sums, sizeof sums));
    CHECK(cudaMalloc(&d_quads, sizeof quads));
    CHECK(cudaMalloc(&d_results, sizeof results));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_pairs, pairs, sizeof pairs, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_quads, quads, sizeof quads, cudaMemcpyHostToDevice));
    update<<<3, 64>>>(n, d_in, d_out, d_pairs, d_sums);
    cached<<<1, 32>>>(d_quads, d_results);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(sums, d_sums, sizeof sums, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(results, d_results, sizeof results, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < n; i++) {
        const Particle& p = out[i];
        wrong += p.position.x != i + i % 7 || p.position.y != 2 * i || p.position.z != 3 * i || p.id != i % 7;
        wrong += p.colour.x != 255 - i || p.colour.y != 2 || p.colour.z != 1 || p.colour.w != i || p.cell.y != -2 * i || p.mass != i * 0.75;
        wrong += sums[i].x != i * i - i || sums[i].y != i * i + i;
    }
    for (int i = 0; i < 32; i++)
        wrong += results[i].x != 2 * i + 0.5f || results[i].y != -i || results[i].z != 100 || results[i].w != i + 0.5f;
    std::printf("a particle of %d bytes, mass[9] = %g, %d wrong\n", (int)sizeof(Particle), out[9].mass, wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
