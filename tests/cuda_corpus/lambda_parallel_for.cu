// flags: --extended-lambda --expt-relaxed-constexpr -std=c++20
// A parallel_for of extended lambdas, host-device lambdas, constexpr from the host's library, variadic kernels.
#include <algorithm>
#include <array>
#include <cstdio>
#include <tuple>
#include <vector>
#include <cuda/std/array>
#include <cuda/std/tuple>
#include <cuda/std/complex>
#include <cuda/std/span>

template <class F>
__global__ void run(int n, F f) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) f(i);
}

template <class F>
void parallel_for(int n, F f) {
    int grid, block;
    cudaOccupancyMaxPotentialBlockSize(&grid, &block, run<F>);
    run<<<std::min(grid, (n + block - 1) / block), block>>>(n, f);
}

template <class... Fs>
__global__ void run_all(int* out, Fs... fs) {
    int s = 0;
    ((s += fs(threadIdx.x)), ...);
    out[threadIdx.x] = s;
}

template <class T, int N>
struct Poly {
    T c[N];
    constexpr T operator()(T x) const {
        T r = 0;
        for (int i = N; i-- > 0;) r = r * x + c[i];
        return r;
    }
};

constexpr auto make() {
    std::array<int, 4> a{1, 2, 3, 4};
    return a;
}

__device__ auto both(int i) {
    return cuda::std::make_tuple(i, i * 0.5f, cuda::std::complex<float>(i, -i));
}

int main() {
    const int n = 5000;
    int* x;
    float* y;
    cudaMallocManaged(&x, n * 4);
    cudaMallocManaged(&y, n * 4);
    parallel_for(n, [=] __device__(int i) { x[i] = std::max(i, 100) + make()[i % 4]; });
    Poly<float, 3> p{{1, 2, 3}};
    auto square = [] __host__ __device__(float v) { return v * v; };
    parallel_for(n, [=] __device__(int i) {
        auto [a, b, c] = both(i % 100);
        y[i] = p(b) + square(c.real()) + a + cuda::std::abs(c.imag());
    });
    cudaDeviceSynchronize();
    int wrong = 0;
    for (int i = 0; i < n; i++) {
        wrong += x[i] != std::max(i, 100) + i % 4 + 1;
        float a = i % 100, b = a / 2;
        wrong += y[i] != p(b) + square(a) + a + a;
    }
    int* o;
    cudaMallocManaged(&o, 32 * 4);
    int k = 7;
    run_all<<<1, 32>>>(
        o, [=] __device__(int i) { return i * k; }, [] __device__(int i) { return i; },
        [=] __device__(int i) {
            cuda::std::array<int, 3> a{i, k, 2};
            cuda::std::span<int> s(a.data(), 3);
            int r = 0;
            for (int v : s) r += v;
            return r;
        });
    cudaDeviceSynchronize();
    for (int i = 0; i < 32; i++) wrong += o[i] != i * 7 + i + i + 9;
    printf("%d wrong, %s\n", wrong, cudaGetErrorString(cudaGetLastError()));
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
