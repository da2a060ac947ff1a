// Templates on the device: policies, recursion at compile time, specialisation, variadic sums, constexpr tables.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

struct Plus {
    template <typename T>
    __device__ static T apply(T a, T b) { return a + b; }
};
struct Largest {
    template <typename T>
    __device__ static T apply(T a, T b) { return a > b ? a : b; }
};

template <typename Operation, typename T, int n>
struct Fold {
    __device__ static T of(const T* values) {
        return Operation::apply(Fold<Operation, T, n / 2>::of(values), Fold<Operation, T, n - n / 2>::of(values + n / 2));
    }
};
template <typename Operation, typename T>
struct Fold<Operation, T, 1> {
    __device__ static T of(const T* values) { return values[0]; }
};

template <typename... Numbers>
__device__ auto total(Numbers... numbers) { return (numbers + ... + 0); }

template <int n>
struct Powers {
    int of_three[n];
    __host__ __device__ constexpr Powers() : of_three() {
        int power = 1;
        for (int i = 0; i < n; i++, power *= 3) of_three[i] = power;
    }
};

template <typename T, int n>
__global__ void fold(const T* in, T* out) {
    constexpr Powers<8> powers;
    const int row = threadIdx.x;
    out[3 * row] = Fold<Plus, T, n>::of(in + row * n);
    out[3 * row + 1] = Fold<Largest, T, n>::of(in + row * n);
    if constexpr (sizeof(T) == 8)
        out[3 * row + 2] = total(1, 2.5, T(row), powers.of_three[5]);
    else
        out[3 * row + 2] = total(1, T(row), (short)4, powers.of_three[7]);
}

template <typename T>
int wrong_with() {
    const int rows = 20, n = 13;
    T in[rows * n], out[rows * 3], *d_in, *d_out;
    for (int i = 0; i < rows * n; i++) in[i] = (T)((i * 29) % 83);
    CHECK(cudaMalloc(&d_in, sizeof in));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMemcpy(d_in, in, sizeof in, cudaMemcpyHostToDevice));
    fold<T, n><<<1, rows>>>(d_in, d_out);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    int wrong = 0;
    for (int row = 0; row < rows; row++) {
        T sum = 0, largest = 0;
        for (int i = 0; i < n; i++) {
            T value = in[row * n + i];
            sum += value;
            if (value > largest) largest = value;
        }
        wrong += out[3 * row] != sum || out[3 * row + 1] != largest;
        wrong += out[3 * row + 2] != (sizeof(T) == 8 ? (T)(3.5 + row + 243) : (T)(1 + row + 4 + 2187));
    }
    return wrong;
}

int main() {
    int ints = wrong_with<int>(), floats = wrong_with<float>(), doubles = wrong_with<double>();
    std::printf("wrong: int %d, float %d, double %d\n", ints, floats, doubles);
    bool right = !ints && !floats && !doubles;
    std::puts(right ? "PASS" : "FAIL results differ");
    return !right;
}
