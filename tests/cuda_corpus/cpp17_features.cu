// C++17 on the device: structured bindings, if with initialiser, if constexpr, inline variables, std::optional-like types, fold.
#include <cuda/std/array>
#include <cuda/std/optional>
#include <cuda/std/tuple>

#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

namespace shapes::flat {
struct Point {
    int x, y;
};
inline constexpr int origin = 100;
}  // namespace shapes::flat

using shapes::flat::Point;

__host__ __device__ cuda::std::optional<int> root(int square) {
    for (int i = 0; i * i <= square; i++)
        if (i * i == square) return i;
    return cuda::std::nullopt;
}

template <typename T>
__host__ __device__ int describe(T value) {
    if constexpr (sizeof(T) == 1) return 1;
    else if constexpr (sizeof(T) <= 4) return 2 + (int)value;
    else return 3;
}

__host__ __device__ int compute(int i) {
    auto [x, y] = Point{i, i * 2};
    int result = x + y + shapes::flat::origin;
    if (auto found = root(i); found.has_value()) result += 1000 * *found;
    cuda::std::array<int, 4> values{i, 1, 2, 3};
    for (int& value : values) value *= 2;
    auto [sum, product] = cuda::std::make_tuple(values[0] + values[3], (long long)values[1] * values[2]);
    result += sum + (int)product + describe('a') + describe((short)i) + describe(1.0);
    return result + [](auto... all) { return (all + ...); }(1, 2, 3);
}

__global__ void run(int* out) { out[threadIdx.x] = compute(threadIdx.x); }

int main() {
    const int n = 100;
    int out[n], *d_out, wrong = 0;
    CHECK(cudaMalloc(&d_out, sizeof out));
    run<<<1, n>>>(d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) wrong += out[i] != compute(i);
    std::printf("out[49] = %d, %d wrong\n", out[49], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
