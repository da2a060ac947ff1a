// A lock between blocks: compare-and-swap, fences, a critical section; and a ticket lock.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

struct Lock {
    int taken;
    unsigned next, serving;
};

__global__ void count(Lock* lock, volatile int* shared_count, volatile int* history, int rounds) {
    if (threadIdx.x == 0) {
        for (int round = 0; round < rounds; round++) {
            while (atomicCAS(&lock->taken, 0, 1) != 0) __nanosleep(50);
            __threadfence();
            *shared_count = *shared_count + 1;  // no atomic: the lock protects it
            __threadfence();
            atomicExch(&lock->taken, 0);

            unsigned ticket = atomicAdd(&lock->next, 1);
            while (atomicAdd(&lock->serving, 0) != ticket) {
            }
            __threadfence();
            history[ticket] = blockIdx.x + 1;
            __threadfence();
            atomicAdd(&lock->serving, 1);
        }
    }
}

int main() {
    const int blocks = 8, rounds = 5, n = blocks * rounds;
    Lock* d_lock;
    int *d_count, *d_history, counted, history[n], turns[blocks + 1] = {}, wrong = 0;
    CHECK(cudaMalloc(&d_lock, sizeof(Lock)));
    CHECK(cudaMalloc(&d_count, sizeof counted));
    CHECK(cudaMalloc(&d_history, sizeof history));
    CHECK(cudaMemset(d_lock, 0, sizeof(Lock)));
    CHECK(cudaMemset(d_count, 0, sizeof counted));
    CHECK(cudaMemset(d_history, 0, sizeof history));
    count<<<blocks, 32>>>(d_lock, d_count, d_history, rounds);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&counted, d_count, sizeof counted, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(history, d_history, sizeof history, cudaMemcpyDeviceToHost));
    for (int block : history)
        if (block >= 1 && block <= blocks) turns[block]++;
    for (int block = 1; block <= blocks; block++) wrong += turns[block] != rounds;
    std::printf("counted %d, expected %d, %d blocks wrong\n", counted, n, wrong);
    bool right = counted == n && !wrong;
    std::puts(right ? "PASS" : "FAIL a lock does not hold");
    return !right;
}
