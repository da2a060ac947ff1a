// cuda::atomic and cuda::atomic_ref from libcu++: fetch operations, compare_exchange and memory orders.
#include <cuda/atomic>

#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void count(int* plain, cuda::atomic<unsigned, cuda::thread_scope_device>* counter, float* largest, int* message) {
    cuda::atomic_ref<int, cuda::thread_scope_device> shared_count(*plain);
    shared_count.fetch_add(2, cuda::memory_order_relaxed);
    counter->fetch_xor(threadIdx.x, cuda::memory_order_acq_rel);
    cuda::atomic_ref<float, cuda::thread_scope_device> top(*largest);
    float value = (threadIdx.x * 29 % 64) * 0.5f, seen = top.load(cuda::memory_order_relaxed);
    while (seen < value && !top.compare_exchange_weak(seen, value)) {
    }
    // one warp writes and raises a flag, another waits for it
    cuda::atomic_ref<int, cuda::thread_scope_device> flag(message[1]);
    if (threadIdx.x == 0) {
        message[0] = 42;
        flag.store(1, cuda::memory_order_release);
    } else if (threadIdx.x == 32) {
        while (flag.load(cuda::memory_order_acquire) == 0) {
        }
        message[2] = message[0];
    }
}

int main() {
    int plain, message[3], *d_plain, *d_message;
    unsigned parity, expected = 0;
    float largest, *d_largest;
    cuda::atomic<unsigned, cuda::thread_scope_device>* d_counter;
    CHECK(cudaMalloc(&d_plain, sizeof plain));
    CHECK(cudaMalloc(&d_counter, sizeof *d_counter));
    CHECK(cudaMalloc(&d_largest, sizeof largest));
    CHECK(cudaMalloc(&d_message, sizeof message));
    CHECK(cudaMemset(d_plain, 0, sizeof plain));
    CHECK(cudaMemset(d_counter, 0, sizeof *d_counter));
    CHECK(cudaMemset(d_largest, 0, sizeof largest));
    CHECK(cudaMemset(d_message, 0, sizeof message));
    count<<<1, 64>>>(d_plain, d_counter, d_largest, d_message);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&plain, d_plain, sizeof plain, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(&parity, d_counter, sizeof parity, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(&largest, d_largest, sizeof largest, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(message, d_message, sizeof message, cudaMemcpyDeviceToHost));
    for (unsigned i = 0; i < 64; i++) expected ^= i;
    std::printf("count %d, parity %u, largest %g, message %d\n", plain, parity, largest, message[2]);
    bool right = plain == 128 && parity == expected && largest == 31.5f && message[2] == 42;
    std::puts(right ? "PASS" : "FAIL results differ");
    return !right;
}
