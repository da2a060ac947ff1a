// printf on the device: every kind of conversion, and long argument lists.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

__global__ void speak(const char* word, int n) {
    printf("%s %d %5d|%-5d|%05d %+d %x %X %o %c %%\n", word, n, n, n, n, n, n, n, n, 'z');
    printf("%lld %llu %u %hhd\n", -9000000000LL, 18000000000000000000ULL, 4000000000u, -3);
    printf("%f %.3f %8.2f %e %g %a\n", 1.5, 3.14159, 2.71828, 12345.678, 0.0001, 1.0);
    printf("%d %d %d %d %d %d %d %d %d %d %s %5.1f\n", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "eleven", 12.0f);
    int written = printf("three %s %s\n", "two", "one");
    printf("%d arguments\n", written);
}

__global__ void in_turn() {
    for (int turn = 0; turn < 4; turn++) {
        if (threadIdx.x == turn) printf("thread %d of %d\n", threadIdx.x, blockDim.x);
        __syncthreads();
    }
}

int main() {
    char* word;
    CHECK(cudaMallocManaged(&word, 8));
    std::snprintf(word, 8, "words");
    speak<<<1, 1>>>(word, 42);
    CHECK(cudaDeviceSynchronize());
    in_turn<<<1, 4>>>();
    CHECK(cudaDeviceSynchronize());
    std::puts("PASS");
}
