// Programs that misuse a GPU.
#include "hostile.h"

#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

__global__ void hang(volatile int *flag) {
    while (*flag == 0) {
    }
}

__global__ void write_to(int *place) { *place = 1; }

__global__ void fill(unsigned *words, size_t count, unsigned mark) {
    for (size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) words[i] = mark;
}

__global__ void count_marks(const unsigned *words, size_t count, unsigned mark, unsigned long long *found) {
    for (size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
        if (words[i] == mark) atomicAdd(found, 1ULL);
}

static int told(const char *what) {
    cudaError_t error = cudaDeviceSynchronize();
    printf("%s: %s\n", what, cudaGetErrorName(error));
    fflush(stdout);
    return error == cudaSuccess ? 0 : 3;
}

int main(int argc, char **argv) {
    tl_guard();
    const char *mode = argc > 1 ? argv[1] : "";
    const size_t bytes = 1UL << 30;
    const unsigned mark = 0x7e1e5eedu;
    void *memory = nullptr;
    if (is(mode, "nodes")) { // of all GPUs but the own
        for (int minor = 0; minor < 16; minor++) {
            char path[64];
            snprintf(path, sizeof path, "/dev/nvidia%d", minor);
            tell(path, open(path, O_RDWR));
        }
        tell("mknod", mknod("gpu", S_IFCHR | 0666, makedev(195, 1)));
        return 0;
    }
    if (is(mode, "allocate")) {
        size_t total = 0;
        while (cudaMalloc(&memory, bytes) == cudaSuccess) total += bytes;
        printf("%s after some: %d\n", cudaGetErrorName(cudaGetLastError()), total > 0);
        return 5;
    }
    if (cudaMalloc(&memory, bytes) != cudaSuccess) return told("cudaMalloc");
    cudaMemset(memory, 0, is(mode, "look") ? 0 : sizeof(int));
    puts("there");
    fflush(stdout);
    if (is(mode, "hang")) {
        hang<<<1, 1>>>(static_cast<int *>(memory));
        return told("hang");
    }
    if (is(mode, "illegal")) {
        write_to<<<1, 1>>>(static_cast<int *>(memory) + (1UL << 40));
        int first = told("illegal");
        cudaMalloc(&memory, 1);
        printf("afterwards: %s\n", cudaGetErrorName(cudaGetLastError())); // such an error stays
        return first;
    }
    if (is(mode, "leave")) { // with a child that would keep it all
        if (fork() == 0) {
            setsid();
            signal(SIGTERM, SIG_IGN);
            for (;;) pause();
        }
        return 0;
    }
    if (is(mode, "mark")) {
        fill<<<1024, 256>>>(static_cast<unsigned *>(memory), bytes / sizeof mark, mark);
        return told("mark");
    }
    if (is(mode, "look")) {
        unsigned long long *found = nullptr, host = 0;
        cudaMallocManaged(&found, sizeof *found);
        *found = 0;
        count_marks<<<1024, 256>>>(static_cast<unsigned *>(memory), bytes / sizeof mark, mark, found);
        int status = told("look");
        host = *found;
        printf("found %llu\n", host);
        return status;
    }
    return 2;
}
