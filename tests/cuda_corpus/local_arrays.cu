// Local arrays indexed at run time, a stack machine with a switch of many cases, bit fields and unions.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                                             \
    if (cudaError_t error = (call)) {                                                           \
        std::printf("FAIL line %d: %s: %s\n", __LINE__, #call, cudaGetErrorString(error));      \
        std::exit(1);                                                                           \
    }

enum Code : unsigned char { push, add, subtract, multiply, duplicate, swap, negate, maximum, minimum, xors, jump_if, decrement, drop, stop };

struct Step {
    Code code;
    signed char argument;
};

__constant__ Step program[32];

__host__ __device__ int interpret(const Step* steps, int input) {
    int stack[16], top = 0;
    stack[top++] = input;
    for (int at = 0, executed = 0; executed < 200; executed++, at++) {
        Step step = steps[at];
        switch (step.code) {
            case push: stack[top++] = step.argument; break;
            case add: top--; stack[top - 1] += stack[top]; break;
            case subtract: top--; stack[top - 1] -= stack[top]; break;
            case multiply: top--; stack[top - 1] *= stack[top]; break;
            case duplicate: stack[top] = stack[top - 1 - step.argument]; top++; break;
            case swap: { int t = stack[top - 1]; stack[top - 1] = stack[top - 2]; stack[top - 2] = t; break; }
            case negate: stack[top - 1] = -stack[top - 1]; break;
            case maximum: top--; if (stack[top] > stack[top - 1]) stack[top - 1] = stack[top]; break;
            case minimum: top--; if (stack[top] < stack[top - 1]) stack[top - 1] = stack[top]; break;
            case xors: top--; stack[top - 1] ^= stack[top]; break;
            case jump_if: if (stack[top - 1] > 0) at += step.argument; break;
            case decrement: stack[top - 1]--; break;
            case drop: top--; break;
            case stop: return stack[top - 1];
        }
    }
    return -1;
}

union Packed {
    unsigned bits;
    struct {
        unsigned low : 5, middle : 11, high : 16;
    };
};

__global__ void run(int* out, unsigned* packed, int* sorted) {
    int i = threadIdx.x, values[9];
    out[i] = interpret(program, i % 10);
    Packed p = {};
    p.low = i, p.middle = i * 37, p.high = 65535 - i;
    p.middle ^= p.low;
    packed[i] = p.bits;
    for (int k = 0; k < 9; k++) values[(k * 4 + i) % 9] = (k * 31 + i * 7) % 50;
    for (int k = 1; k < 9; k++) {  // insertion sort
        int value = values[k], j = k;
        for (; j > 0 && values[j - 1] > value; j--) values[j] = values[j - 1];
        values[j] = value;
    }
    sorted[i] = values[i % 9];
}

int main() {
    // factorial of the input by counting down, then (result xor 5) with a few turns
    const Step steps[32] = {{push, 1}, {swap, 0}, {swap, 0}, {duplicate, 1}, {push, 1}, {maximum, 0}, {multiply, 0}, {swap, 0}, {decrement, 0},
                            {jump_if, 2}, {drop, 0}, {jump_if, 2}, {swap, 0}, {jump_if, -12}, {push, 5}, {xors, 0}, {negate, 0}, {stop, 0}};
    const int n = 64;
    int out[n], sorted[n], *d_out, *d_sorted, wrong = 0;
    unsigned packed[n], *d_packed;
    CHECK(cudaMemcpyToSymbol(program, steps, sizeof steps));
    CHECK(cudaMalloc(&d_out, sizeof out));
    CHECK(cudaMalloc(&d_sorted, sizeof sorted));
    CHECK(cudaMalloc(&d_packed, sizeof packed));
    run<<<1, n>>>(d_out, d_packed, d_sorted);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(out, d_out, sizeof out, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(sorted, d_sorted, sizeof sorted, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(packed, d_packed, sizeof packed, cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) {
        wrong += out[i] != interpret(steps, i % 10);
        unsigned low = i & 31, middle = ((i * 37) & 0x7ff) ^ low, high = (65535 - i) & 0xffff;
        wrong += packed[i] != (low | middle << 5 | high << 16);
        int values[9];
        for (int k = 0; k < 9; k++) values[k] = (k * 31 + i * 7) % 50;
        for (int a = 0; a < 9; a++)
            for (int b = a + 1; b < 9; b++)
                if (values[b] < values[a]) { int t = values[a]; values[a] = values[b]; values[b] = t; }
        wrong += sorted[i] != values[i % 9];
    }
    std::printf("out[5] = %d, packed[3] = %08x, sorted[20] = %d, %d wrong\n", out[5], packed[3], sorted[20], wrong);
    std::puts(wrong ? "FAIL results differ" : "PASS");
    return wrong != 0;
}
