// Gravity between all pairs of bodies, tiles of positions in shared memory, rsqrtf, a few leapfrog steps.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int n = 128, tile = 64, steps = 3;

__global__ void accelerate(const float4* positions, float3* velocities) {
    __shared__ float4 others[tile];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float4 me = positions[i];
    float3 a = make_float3(0, 0, 0);
    for (int first = 0; first < n; first += tile) {
        others[threadIdx.x] = positions[first + threadIdx.x];
        __syncthreads();
#pragma unroll 4
        for (int j = 0; j < tile; j++) {
            float dx = others[j].x - me.x, dy = others[j].y - me.y, dz = others[j].z - me.z;
            float inverse = rsqrtf(dx * dx + dy * dy + dz * dz + 0.01f), s = others[j].w * inverse * inverse * inverse;
            a.x += dx * s, a.y += dy * s, a.z += dz * s;
        }
        __syncthreads();
    }
    velocities[i].x += 0.01f * a.x, velocities[i].y += 0.01f * a.y, velocities[i].z += 0.01f * a.z;
}

__global__ void move(float4* positions, const float3* velocities) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    positions[i].x += 0.01f * velocities[i].x;
    positions[i].y += 0.01f * velocities[i].y;
    positions[i].z += 0.01f * velocities[i].z;
}

int main() {
    static float4 p[n], start[n];
    static double q[n][3], v[n][3];
    for (int i = 0; i < n; i++) {
        start[i] = make_float4(std::cos(i * 0.7f) * (1 + i % 5), std::sin(i * 0.7f) * (1 + i % 5), (i % 7) * 0.3f, 0.5f + i % 3);
        q[i][0] = start[i].x, q[i][1] = start[i].y, q[i][2] = start[i].z;
    }
    float4* d_p;
    float3* d_v;
    CHECK(cudaMalloc(&d_p, sizeof p));
    CHECK(cudaMalloc(&d_v, n * sizeof(float3)));
    CHECK(cudaMemset(d_v, 0, n * sizeof(float3)));
    CHECK(cudaMemcpy(d_p, start, sizeof p, cudaMemcpyHostToDevice));
    for (int s = 0; s < steps; s++) {
        accelerate<<<n / tile, tile>>>(d_p, d_v);
        move<<<n / tile, tile>>>(d_p, d_v);
    }
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(p, d_p, sizeof p, cudaMemcpyDeviceToHost));
    for (int s = 0; s < steps; s++) {
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                double d[3], squared = 0.01;
                for (int k = 0; k < 3; k++) squared += (d[k] = q[j][k] - q[i][k]) * d[k];
                for (int k = 0; k < 3; k++) v[i][k] += 0.01 * d[k] * start[j].w / (squared * std::sqrt(squared));
            }
        for (int i = 0; i < n; i++)
            for (int k = 0; k < 3; k++) q[i][k] += 0.01 * v[i][k];
    }
    double worst = 0;
    for (int i = 0; i < n; i++)
        worst = std::fmax(worst, std::fmax(std::fabs(p[i].x - q[i][0]), std::fmax(std::fabs(p[i].y - q[i][1]), std::fabs(p[i].z - q[i][2]))));
    std::printf("body 5 at %.3f %.3f %.3f, worst error below 1e-4: %s\n", p[5].x, p[5].y, p[5].z, worst < 1e-4 ? "yes" : "no");
    std::puts(worst < 1e-4 ? "PASS" : "FAIL positions differ");
    return !(worst < 1e-4);
}
