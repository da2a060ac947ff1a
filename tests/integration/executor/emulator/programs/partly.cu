// Some of a program's kernels cannot be emulated: the others run, and those say why they do not.
#include "expect.h"

struct Plain {
    __device__ virtual int number() { return 1; }
};
struct Odd : Plain {
    __device__ int number() override {
        int sum;
        asm volatile("vadd4.u32.u32.u32.sat %0, 1, 2, 3;" : "=r"(sum));  // in a method
        return sum;
    }
};

__device__ __noinline__ int odd(int x) {
    int sum;
    asm volatile("vadd4.u32.u32.u32.sat %0, %1, %1, %1;" : "=r"(sum) : "r"(x));  // in a function
    return sum;
}

__global__ void calls_odd(int *out) { *out = odd(*out); }

__global__ void may_call_odd(int *out, int which) {
    Plain plain;
    Odd other;
    Plain *chosen = which ? &other : &plain;
    *out = chosen->number();
}

int main() {
    int *device, value = 0;
    OK(cudaMalloc(&device, sizeof value));
    OK(cudaMemset(device, 0, sizeof value));
    for (int i = 0; i < 3; i++) {
        calls_odd<<<1, 1>>>(device);
        IS(cudaGetLastError(), cudaErrorNotSupported);
    }
    add<<<1, 1>>>(device, 1, 41);
    OK(cudaMemcpy(&value, device, sizeof value, cudaMemcpyDeviceToHost));
    IS(value, 41);
    may_call_odd<<<1, 1>>>(device, 0);
    OK(cudaMemcpy(&value, device, sizeof value, cudaMemcpyDeviceToHost));
    IS(value, 1);
    may_call_odd<<<1, 1>>>(device, 1);
    FAILS(cudaDeviceSynchronize(), cudaErrorNotSupported);
    puts("done");
}
