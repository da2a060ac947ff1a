/* libcuda.so.1: the part of the driver API that loads PTX and launches it, on top of our runtime API.
 *
 * Errors have the same numbers in both. There is one context per device, which is always current; a module is a
 * cudaLibrary_t, a function a cudaKernel_t.
 */
#include <cuda.h>
#include <cuda_runtime_api.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define MEMORY(pointer) ((void *)(uintptr_t)(pointer))

static CUcontext context_of(int device) { return (CUcontext)(uintptr_t)(0x1000 + device); }

EXPORT CUresult cuInit(unsigned flags) { return flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }
EXPORT CUresult cuDriverGetVersion(int *version) { return (CUresult)cudaDriverGetVersion(version); }
EXPORT CUresult cuDeviceGetCount(int *count) { return (CUresult)cudaGetDeviceCount(count); }

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
    int count = 0;
    cudaGetDeviceCount(&count);
    *device = ordinal;
    return ordinal < 0 || ordinal >= count ? CUDA_ERROR_INVALID_DEVICE : CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char *name, int bytes, CUdevice device)
{
    struct cudaDeviceProp properties;
    cudaError_t error = cudaGetDeviceProperties(&properties, device);
    if (error == cudaSuccess)
        snprintf(name, (size_t)bytes, "%s", properties.name);
    return (CUresult)error;
}

EXPORT CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device)
{
    struct cudaDeviceProp properties;
    cudaError_t error = cudaGetDeviceProperties(&properties, device);
    *bytes = error == cudaSuccess ? properties.totalGlobalMem : 0;
    return (CUresult)error;
}

EXPORT CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device)
{
    return (CUresult)cudaDeviceGetAttribute(value, (enum cudaDeviceAttr)attribute, device);
}

EXPORT CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device)
{
    cudaDeviceGetAttribute(major, cudaDevAttrComputeCapabilityMajor, device);
    return (CUresult)cudaDeviceGetAttribute(minor, cudaDevAttrComputeCapabilityMinor, device);
}

/* --- Contexts ----------------------------------------------------------------------------------------------------- */

static CUresult enter(CUcontext *context, CUdevice device)
{
    *context = context_of(device);
    return (CUresult)cudaSetDevice(device);
}

#if CUDA_VERSION >= 13000
EXPORT CUresult cuCtxCreate(CUcontext *context, CUctxCreateParams *parameters, unsigned flags, CUdevice device)
{
    (void)parameters, (void)flags;
    return enter(context, device);
}
#else
EXPORT CUresult cuCtxCreate(CUcontext *context, unsigned flags, CUdevice device)
{
    (void)flags;
    return enter(context, device);
}
#endif

EXPORT CUresult cuCtxDestroy(CUcontext context)
{
    (void)context;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
    *context = context_of(device);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRelease(CUdevice device)
{
    (void)device;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetCurrent(CUcontext context)
{
    return (CUresult)cudaSetDevice((int)((uintptr_t)context - 0x1000));
}
EXPORT CUresult cuCtxPushCurrent(CUcontext context) { return cuCtxSetCurrent(context); }

EXPORT CUresult cuCtxGetDevice(CUdevice *device) { return (CUresult)cudaGetDevice(device); }

EXPORT CUresult cuCtxGetCurrent(CUcontext *context)
{
    int device = 0;
    cudaError_t error = cudaGetDevice(&device);
    *context = context_of(device);
    return (CUresult)error;
}

EXPORT CUresult cuCtxPopCurrent(CUcontext *context) { return cuCtxGetCurrent(context); }
EXPORT CUresult cuCtxSynchronize(void) { return (CUresult)cudaDeviceSynchronize(); }

/* --- Memory ------------------------------------------------------------------------------------------------------- */

EXPORT CUresult cuMemAlloc(CUdeviceptr *memory, size_t bytes)
{
    void *taken = NULL;
    if (bytes == 0)
        return CUDA_ERROR_INVALID_VALUE;
    cudaError_t error = cudaMalloc(&taken, bytes);
    *memory = (CUdeviceptr)(uintptr_t)taken;
    return (CUresult)error;
}

EXPORT CUresult cuMemFree(CUdeviceptr memory) { return (CUresult)cudaFree(MEMORY(memory)); }
EXPORT CUresult cuMemGetInfo(size_t *free_bytes, size_t *total_bytes)
{
    return (CUresult)cudaMemGetInfo(free_bytes, total_bytes);
}

EXPORT CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t bytes)
{
    return (CUresult)cudaMemcpy(MEMORY(to), from, bytes, cudaMemcpyHostToDevice);
}

EXPORT CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t bytes)
{
    return (CUresult)cudaMemcpy(to, MEMORY(from), bytes, cudaMemcpyDeviceToHost);
}

EXPORT CUresult cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t bytes)
{
    return (CUresult)cudaMemcpy(MEMORY(to), MEMORY(from), bytes, cudaMemcpyDeviceToDevice);
}

EXPORT CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes, CUstream stream)
{
    return (CUresult)cudaMemcpyAsync(MEMORY(to), from, bytes, cudaMemcpyHostToDevice, stream);
}

EXPORT CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    return (CUresult)cudaMemcpyAsync(to, MEMORY(from), bytes, cudaMemcpyDeviceToHost, stream);
}

EXPORT CUresult cuMemsetD8(CUdeviceptr to, unsigned char value, size_t count)
{
    return (CUresult)cudaMemset(MEMORY(to), value, count);
}

/* --- Modules and launches ----------------------------------------------------------------------------------------- */

EXPORT CUresult cuModuleLoadDataEx(CUmodule *module, const void *code, unsigned count, CUjit_option *options,
                                   void **values)
{
    (void)count, (void)options, (void)values;
    return (CUresult)cudaLibraryLoadData((cudaLibrary_t *)module, code, NULL, NULL, 0, NULL, NULL, 0);
}

EXPORT CUresult cuModuleLoadData(CUmodule *module, const void *code)
{
    return cuModuleLoadDataEx(module, code, 0, NULL, NULL);
}
EXPORT CUresult cuModuleLoadFatBinary(CUmodule *module, const void *code)
{
    return cuModuleLoadDataEx(module, code, 0, NULL, NULL);
}

EXPORT CUresult cuModuleLoad(CUmodule *module, const char *path)
{
    return (CUresult)cudaLibraryLoadFromFile((cudaLibrary_t *)module, path, NULL, NULL, 0, NULL, NULL, 0);
}

EXPORT CUresult cuModuleUnload(CUmodule module) { return (CUresult)cudaLibraryUnload((cudaLibrary_t)module); }

EXPORT CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name)
{
    return (CUresult)cudaLibraryGetKernel((cudaKernel_t *)function, (cudaLibrary_t)module, name);
}

EXPORT CUresult cuModuleGetGlobal(CUdeviceptr *memory, size_t *bytes, CUmodule module, const char *name)
{
    void *found = NULL;
    cudaError_t error = cudaLibraryGetGlobal(&found, bytes, (cudaLibrary_t)module, name);
    if (memory != NULL)
        *memory = (CUdeviceptr)(uintptr_t)found;
    return (CUresult)error;
}

EXPORT CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value)
{
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
        return CUDA_SUCCESS;
    return (CUresult)cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, value);
}

EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                               unsigned block_y, unsigned block_z, unsigned shared_bytes, CUstream stream,
                               void **arguments, void **extra)
{
    if (extra != NULL)
        return CUDA_ERROR_NOT_SUPPORTED;
    return (CUresult)cudaLaunchKernel(function, (dim3){grid_x, grid_y, grid_z}, (dim3){block_x, block_y, block_z},
                                      arguments, shared_bytes, stream);
}

/* --- Streams and events ------------------------------------------------------------------------------------------- */

EXPORT CUresult cuStreamCreate(CUstream *stream, unsigned flags)
{
    return (CUresult)cudaStreamCreateWithFlags(stream, flags);
}
EXPORT CUresult cuStreamDestroy(CUstream stream) { return (CUresult)cudaStreamDestroy(stream); }
EXPORT CUresult cuStreamSynchronize(CUstream stream) { return (CUresult)cudaStreamSynchronize(stream); }
EXPORT CUresult cuEventCreate(CUevent *event, unsigned flags)
{
    return (CUresult)cudaEventCreateWithFlags(event, flags);
}
EXPORT CUresult cuEventDestroy(CUevent event) { return (CUresult)cudaEventDestroy(event); }
EXPORT CUresult cuEventRecord(CUevent event, CUstream stream) { return (CUresult)cudaEventRecord(event, stream); }
EXPORT CUresult cuEventSynchronize(CUevent event) { return (CUresult)cudaEventSynchronize(event); }

EXPORT CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end)
{
    return (CUresult)cudaEventElapsedTime(milliseconds, start, end);
}

/* --- Errors ------------------------------------------------------------------------------------------------------- */

EXPORT CUresult cuGetErrorString(CUresult error, const char **text)
{
    *text = cudaGetErrorString((cudaError_t)error);
    return CUDA_SUCCESS;
}

/* CUDA's names of the two APIs differ; these are the ones that programs meet. */
EXPORT CUresult cuGetErrorName(CUresult error, const char **name)
{
    static const struct {
        CUresult error;
        const char *name;
    } names[] = {
        {CUDA_SUCCESS, "CUDA_SUCCESS"},
        {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
        {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
        {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
        {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE"},
        {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
        {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX"},
        {CUDA_ERROR_FILE_NOT_FOUND, "CUDA_ERROR_FILE_NOT_FOUND"},
        {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},
        {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
        {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"},
        {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
        {CUDA_ERROR_ASSERT, "CUDA_ERROR_ASSERT"},
        {CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS"},
        {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"},
        {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED"},
    };
    *name = cudaGetErrorName((cudaError_t)error);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].error == error)
            *name = names[i].name;
    return CUDA_SUCCESS;
}
