// flags: -lcuda
// The driver API: PTX loaded and launched without the runtime API, and found through it.
#include <cuda.h>
#include "expect.h"

static const char PTX[] = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .global .align 4 .u32 amount = 5;
.visible .entry add_amount(.param .u64 numbers)
{
    .reg .b32 %r<5>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [numbers];
    mov.u32 %r1, %tid.x;
    mul.wide.u32 %rd2, %r1, 4;
    add.s64 %rd3, %rd1, %rd2;
    ld.global.u32 %r2, [%rd3];
    ld.global.u32 %r3, [amount];
    add.u32 %r4, %r2, %r3;
    st.global.u32 [%rd3], %r4;
    ret;
}
)";

int main() {
    CUdevice device;
    CUcontext context;
    CUmodule module;
    CUfunction function;
    CUdeviceptr memory, amount;
    size_t bytes;
    int numbers[32], seven = 7;
    const char *name;
    for (int i = 0; i < 32; i++) numbers[i] = i;
    IS(cuInit(0), CUDA_SUCCESS);
    IS(cuDeviceGet(&device, 0), CUDA_SUCCESS);
    IS(cuDeviceGet(&device, 9), CUDA_ERROR_INVALID_DEVICE);
    IS(cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
    IS(cuCtxSetCurrent(context), CUDA_SUCCESS);
    IS(cuModuleLoadData(&module, PTX), CUDA_SUCCESS);
    IS(cuModuleGetFunction(&function, module, "no_such_kernel"), CUDA_ERROR_NOT_FOUND);
    IS(cuModuleGetFunction(&function, module, "add_amount"), CUDA_SUCCESS);
    IS(cuModuleGetGlobal(&amount, &bytes, module, "amount"), CUDA_SUCCESS);
    IS(bytes, 4u);
    IS(cuMemcpyHtoD(amount, &seven, 4), CUDA_SUCCESS);
    IS(cuMemAlloc(&memory, sizeof numbers), CUDA_SUCCESS);
    IS(cuMemcpyHtoD(memory, numbers, sizeof numbers), CUDA_SUCCESS);
    void *arguments[] = {&memory};
    IS(cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, nullptr, arguments, nullptr), CUDA_SUCCESS);
    IS(cuCtxSynchronize(), CUDA_SUCCESS);
    IS(cuMemcpyDtoH(numbers, memory, sizeof numbers), CUDA_SUCCESS);
    IS(numbers[31], 38);
    IS(cuMemFree(memory), CUDA_SUCCESS);
    IS(cuGetErrorName(CUDA_ERROR_INVALID_VALUE, &name), CUDA_SUCCESS);
    IS(strcmp(name, "CUDA_ERROR_INVALID_VALUE"), 0);

    void *found = nullptr;
    cudaDriverEntryPointQueryResult result;
    OK(cudaGetDriverEntryPointByVersion("cuMemAlloc", &found, 13000, cudaEnableDefault, &result));
    IS(found == (void *)cuMemAlloc, true);
    FAILS(cudaGetDriverEntryPointByVersion("cuNoSuchFunction", &found, 13000, cudaEnableDefault, &result), cudaErrorSymbolNotFound);
    IS(result, cudaDriverEntryPointSymbolNotFound);
    puts("done");
}
