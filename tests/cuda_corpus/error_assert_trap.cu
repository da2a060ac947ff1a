// assert and trap on the device: in a child process each, since either ends the context.
#include <sys/wait.h>
#include <unistd.h>

#include <cassert>
#include <cstdio>
#include <cstdlib>

__global__ void check(int limit) { assert(threadIdx.x < limit); }

__global__ void stop() {
    if (threadIdx.x == 3) __trap();
}

int in_child(int which) {
    std::fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (!std::freopen("/dev/null", "w", stderr)) _exit(200);  // the assertion's message differs between drivers
        if (which == 0) check<<<1, 8>>>(8);
        if (which == 1) check<<<1, 8>>>(5);
        if (which == 2) stop<<<1, 8>>>();
        cudaError_t error = cudaDeviceSynchronize();
        std::printf("%s\n", cudaGetErrorName(error));
        std::fflush(stdout);
        _exit(error == cudaSuccess ? 0 : error == cudaErrorAssert ? 1 : error == cudaErrorLaunchFailure ? 2 : 3);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main() {
    int held = in_child(0), failed = in_child(1), trapped = in_child(2);
    std::printf("held %d, failed %d, trapped %d\n", held, failed, trapped);
    bool right = held == 0 && failed == 1 && trapped == 2;
    std::puts(right ? "PASS" : "FAIL errors differ");
    return !right;
}
