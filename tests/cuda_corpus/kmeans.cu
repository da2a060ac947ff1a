// k-means with integer points: nearest centres, shared partial sums, new centres, until nothing moves.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

const int n = 600, k = 4;

struct Sums {
    int x[k], y[k], count[k];
};

__host__ __device__ int nearest(int2 point, const int2* centres) {
    int best = 0, best_distance = 1 << 30;
    for (int c = 0; c < k; c++) {
        int dx = point.x - centres[c].x, dy = point.y - centres[c].y, distance = dx * dx + dy * dy;
        if (distance < best_distance) best = c, best_distance = distance;
    }
    return best;
}

__global__ void assign(const int2* points, const int2* centres, int* labels, Sums* sums, int* moved) {
    __shared__ Sums mine;
    for (int c = threadIdx.x; c < 3 * k; c += blockDim.x) reinterpret_cast<int*>(&mine)[c] = 0;
    __syncthreads();
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        int label = nearest(points[i], centres);
        if (label != labels[i]) atomicAdd(moved, 1);
        labels[i] = label;
        atomicAdd(&mine.x[label], points[i].x);
        atomicAdd(&mine.y[label], points[i].y);
        atomicAdd(&mine.count[label], 1);
    }
    __syncthreads();
    for (int c = threadIdx.x; c < 3 * k; c += blockDim.x) atomicAdd(reinterpret_cast<int*>(sums) + c, reinterpret_cast<int*>(&mine)[c]);
}

__global__ void recentre(Sums* sums, int2* centres) {
    int c = threadIdx.x;
    if (sums->count[c]) centres[c] = make_int2(sums->x[c] / sums->count[c], sums->y[c] / sums->count[c]);
    sums->x[c] = sums->y[c] = sums->count[c] = 0;
}

int main() {
    static int2 points[n];
    static int labels[n], expected[n];
    for (int i = 0; i < n; i++) points[i] = make_int2((i % k) * 300 + (i * 37) % 211, (i % 2) * 400 + (i * 53) % 190);
    int2 centres[k], host[k], *d_points, *d_centres;
    for (int c = 0; c < k; c++) centres[c] = host[c] = points[c * 7];
    int *d_labels, *d_moved, moved = 1, rounds = 0, wrong = 0;
    Sums* d_sums;
    CHECK(cudaMalloc(&d_points, sizeof points));
    CHECK(cudaMalloc(&d_centres, sizeof centres));
    CHECK(cudaMalloc(&d_labels, sizeof labels));
    CHECK(cudaMalloc(&d_sums, sizeof(Sums)));
    CHECK(cudaMalloc(&d_moved, sizeof moved));
    CHECK(cudaMemcpy(d_points, points, sizeof points, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_centres, centres, sizeof centres, cudaMemcpyHostToDevice));
    CHECK(cudaMemset(d_labels, 0xff, sizeof labels));
    CHECK(cudaMemset(d_sums, 0, sizeof(Sums)));
    for (; moved && rounds < 30; rounds++) {
        CHECK(cudaMemset(d_moved, 0, sizeof moved));
        assign<<<(n + 127) / 128, 128>>>(d_points, d_centres, d_labels, d_sums, d_moved);
        recentre<<<1, k>>>(d_sums, d_centres);
        CHECK(cudaGetLastError());
        CHECK(cudaMemcpy(&moved, d_moved, sizeof moved, cudaMemcpyDeviceToHost));
    }
    CHECK(cudaMemcpy(labels, d_labels, sizeof labels, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(centres, d_centres, sizeof centres, cudaMemcpyDeviceToHost));
    for (int round = 0; round < rounds; round++) {
        Sums sums;
        std::memset(&sums, 0, sizeof sums);
        for (int i = 0; i < n; i++) {
            int c = expected[i] = nearest(points[i], host);
            sums.x[c] += points[i].x, sums.y[c] += points[i].y, sums.count[c]++;
        }
        for (int c = 0; c < k; c++)
            if (sums.count[c]) host[c] = make_int2(sums.x[c] / sums.count[c], sums.y[c] / sums.count[c]);
    }
    for (int i = 0; i < n; i++) wrong += labels[i] != expected[i];
    for (int c = 0; c < k; c++) wrong += centres[c].x != host[c].x || centres[c].y != host[c].y;
    std::printf("%d rounds, first centre (%d, %d), %d wrong\n", rounds, centres[0].x, centres[0].y, wrong);
    std::puts(wrong || moved ? "FAIL clusters differ" : "PASS");
    return wrong || moved;
}
