// Atomics made of atomicCAS: product of doubles, maximum of floats, 16-bit CAS, and a lock-free list.
#include <cfloat>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__device__ double atomic_multiply(double* at, double factor) {
    unsigned long long *bits = reinterpret_cast<unsigned long long*>(at), old = *bits, assumed;
    do {
        assumed = old;
        old = atomicCAS(bits, assumed, __double_as_longlong(__longlong_as_double(assumed) * factor));
    } while (assumed != old);
    return __longlong_as_double(old);
}

__device__ void atomic_max(float* at, float value) {
    int* bits = reinterpret_cast<int*>(at);
    for (int old = *bits; __int_as_float(old) < value;) {
        int seen = atomicCAS(bits, old, __float_as_int(value));
        if (seen == old) break;
        old = seen;
    }
}

struct Node {
    int value, next;
};

__global__ void run(double* product, float* largest, unsigned short* claims, int* winners, Node* nodes, int* head) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    atomic_multiply(product, i % 2 ? 2.0 : 0.5);
    if (i == 0) atomic_multiply(product, 3.0);
    atomic_max(largest, (float)((i * 53) % 211) - 100.0f);
    if (atomicCAS(&claims[i % 5], (unsigned short)0, (unsigned short)(i + 1)) == 0) atomicAdd(winners, 1);
    nodes[i].value = i;
    int old = *head;
    do {
        nodes[i].next = old;
        __threadfence();
        old = atomicCAS(head, nodes[i].next, i);
    } while (old != nodes[i].next);
}

int main() {
    const int n = 128;
    double product = 1, *d_product;
    float largest = -FLT_MAX, *d_largest;
    unsigned short* d_claims;
    int winners = 0, head = -1, *d_winners, *d_head;
    Node nodes[n], *d_nodes;
    CHECK(cudaMalloc(&d_product, sizeof product));
    CHECK(cudaMalloc(&d_largest, sizeof largest));
    CHECK(cudaMalloc(&d_claims, 6 * sizeof(unsigned short)));
    CHECK(cudaMalloc(&d_winners, sizeof winners));
    CHECK(cudaMalloc(&d_head, sizeof head));
    CHECK(cudaMalloc(&d_nodes, sizeof nodes));
    CHECK(cudaMemcpy(d_product, &product, sizeof product, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d_largest, &largest, sizeof largest, cudaMemcpyHostToDevice));
    CHECK(cudaMemset(d_claims, 0, 6 * sizeof(unsigned short)));
    CHECK(cudaMemset(d_winners, 0, sizeof winners));
    CHECK(cudaMemcpy(d_head, &head, sizeof head, cudaMemcpyHostToDevice));
    run<<<2, n / 2>>>(d_product, d_largest, d_claims, d_winners, d_nodes, d_head);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&product, d_product, sizeof product, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(&largest, d_largest, sizeof largest, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(&winners, d_winners, sizeof winners, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(&head, d_head, sizeof head, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(nodes, d_nodes, sizeof nodes, cudaMemcpyDeviceToHost));
    int length = 0, sum = 0;
    float expected = -FLT_MAX;
    for (int i = head; i >= 0 && length <= n; i = nodes[i].next) length++, sum += nodes[i].value;
    for (int i = 0; i < n; i++) expected = expected > (i * 53) % 211 - 100 ? expected : (i * 53) % 211 - 100;
    std::printf("product %g, largest %g, %d winners, list of %d sums to %d\n", product, largest, winners, length, sum);
    bool right = product == 3 && largest == expected && winners == 5 && length == n && sum == n * (n - 1) / 2;
    std::puts(right ? "PASS" : "FAIL results differ");
    return !right;
}
