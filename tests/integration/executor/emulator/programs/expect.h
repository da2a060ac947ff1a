// What the programs beside this file say: nothing for what holds, a line for what does not.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#define OK(call)                                                                                             \
    do {                                                                                                     \
        cudaError_t error_ = (call);                                                                         \
        if (error_ != cudaSuccess)                                                                           \
            printf("line %d: %s returned %s\n", __LINE__, #call, cudaGetErrorName(error_));                  \
    } while (0)

#define IS(value, expected)                                                                                  \
    do {                                                                                                     \
        auto value_ = (value);                                                                               \
        if (!(value_ == (expected)))                                                                         \
            printf("line %d: %s is %lld, not %s\n", __LINE__, #value, (long long)value_, #expected);         \
    } while (0)

// A call that must fail, with this error; it is also the last error afterwards, once.
#define FAILS(call, expected)                                                                                \
    do {                                                                                                     \
        IS(call, expected);                                                                                  \
        IS(cudaPeekAtLastError(), expected);                                                                 \
        IS(cudaGetLastError(), expected);                                                                    \
        IS(cudaGetLastError(), cudaSuccess);                                                                 \
    } while (0)

__global__ void add(int *numbers, int count, int amount) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) numbers[i] += amount;
}
