// flags: -std=c++20 --expt-relaxed-constexpr
// C++20 on the device: concepts, designated initialisers, three-way comparison, consteval, templated lambdas, init in range-for.
#include <compare>
#include <concepts>
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

template <typename T>
concept Number = std::integral<T> || std::floating_point<T>;

template <Number T>
__host__ __device__ T clamp(T value, T low, T high) { return value < low ? low : value > high ? high : value; }

struct Version {
    int major_part, minor_part;
    constexpr bool operator==(const Version&) const = default;
    __host__ __device__ constexpr auto operator<=>(const Version& other) const {
        return major_part != other.major_part ? major_part <=> other.major_part : minor_part <=> other.minor_part;
    }
};

consteval int square(int x) { return x * x; }

__host__ __device__ int compute(int i) {
    Version version{.major_part = i / 10, .minor_part = i % 10}, base{.major_part = 4, .minor_part = 5};
    int result = clamp(i, 10, 60) + (int)(clamp(i * 0.5, 3.0, 20.0) * 2) + square(12);
    result += version < base ? 1000 : version > base ? 2000 : 3000;
    auto twice = []<typename T>(T x) { return x + x; };
    int values[] = {1, 2, 3};
    for (int weight = 2; int value : values) result += weight * twice(value);
    return result;
}

__global__ void run(int* out) { out[threadIdx.x] = compute(threadIdx.x); }

int main() {
    const int n = 90;
    int out[n], *d_out, wrong = 0;
    CHECK(cudaMalloc(&d_out, sizeof out));
    run<<<1, n>>>(d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) wrong += out[i] != compute(i);
    std::printf("out[44] = %d, out[45] = %d, out[46] = %d, %d wrong\n", out[44], out[45], out[46], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
