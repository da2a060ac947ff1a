// flags: --extended-lambda
// Device lambdas handed to kernels: captures by value, generic lambdas, composition, __host__ __device__ ones.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

template <typename F>
__global__ void apply(int n, F f, int* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = f(i);
}

template <typename F>
int wrong_with(int n, F f, int (*reference)(int)) {
    int out[300], *d_out, wrong = 0;
    CHECK(cudaMalloc(&d_out, sizeof out));
    apply<<<(n + 63) / 64, 64>>>(n, f, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, n * sizeof(int), cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) wrong += out[i] != reference(i);
    return wrong;
}

int main() {
    int factor = 7, table[4] = {1, 10, 100, 1000};
    auto times = [=] __device__(int i) { return i * factor; };
    auto pick = [=] __device__(int i) { return table[i % 4] + i; };
    auto both = [=] __host__ __device__(int i) { return i % 2 ? -i : i; };
    auto nested = [=] __device__(int i) {
        auto twice = [](auto g, int x) { return g(g(x)); };
        return twice([i](int x) { return x + i; }, 5);
    };
    int wrong = wrong_with(300, times, [](int i) { return i * 7; });
    wrong += wrong_with(300, pick, [](int i) { int t[4] = {1, 10, 100, 1000}; return t[i % 4] + i; });
    wrong += wrong_with(300, both, [](int i) { return i % 2 ? -i : i; });
    wrong += wrong_with(300, nested, [](int i) { return 5 + 2 * i; });
    wrong += both(3) != -3;
    std::printf("%d wrong\n", wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
