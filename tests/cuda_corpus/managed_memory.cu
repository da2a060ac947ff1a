// Managed memory: __managed__ variables, a list with pointers shared by host and device, prefetch and advice.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__managed__ int counter = 5;
__managed__ double table[4] = {0.5, 1.5, 2.5, 3.5};

struct Node {
    int value;
    Node* next;
};

__global__ void walk(Node* head, long long* sum) {
    for (Node* node = head; node; node = node->next) {
        *sum += node->value;
        node->value *= 2;
    }
    counter += 10;
    table[3] += table[0];
}

int main() {
    long long* sum;
    Node* nodes;
    const int n = 50;
    CHECK(cudaMallocManaged(&sum, sizeof *sum));
    CHECK(cudaMallocManaged(&nodes, n * sizeof(Node)));
    *sum = 0;
    for (int i = 0; i < n; i++) nodes[i] = {i, i + 1 < n ? &nodes[i + 1] : nullptr};
    cudaMemLocation device = {cudaMemLocationTypeDevice, 0};
    if (cudaMemPrefetchAsync(nodes, n * sizeof(Node), device, 0, nullptr) != cudaSuccess) cudaGetLastError();  // optional
    walk<<<1, 1>>>(nodes, sum);
    CHECK(cudaGetLastError());
    CHECK(cudaDeviceSynchronize());
    int doubled = 0;
    for (Node* node = nodes; node; node = node->next) doubled += node->value;
    counter += 1;
    walk<<<1, 1>>>(nullptr, sum);
    CHECK(cudaDeviceSynchronize());
    cudaPointerAttributes attributes;
    CHECK(cudaPointerGetAttributes(&attributes, nodes));
    std::printf("sum %lld, doubled %d, counter %d, table %g, managed: %s\n", *sum, doubled, counter, table[3],
                attributes.type == cudaMemoryTypeManaged ? "yes" : "no");
    bool right = *sum == n * (n - 1) / 2 && doubled == n * (n - 1) && counter == 26 && table[3] == 4.5 &&
                 attributes.type == cudaMemoryTypeManaged;
    CHECK(cudaFree(nodes));
    CHECK(cudaFree(sum));
    std::puts(right ? "PASS" : "FAIL results differ");
    return !right;
}
