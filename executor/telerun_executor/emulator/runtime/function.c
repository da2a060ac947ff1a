/* What a program asks about its kernels: attributes and occupancy. */
#include <pthread.h>

#include "device_limits.h"
#include "error.h"
#include "module.h"

/* Kernels whose dynamic shared memory the program allowed to exceed the default. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const EmuKernel *kernel;
    uint32_t bytes;
} allowed[1024];
static uint32_t allowed_count;

uint32_t emu_dynamic_shared_limit(const EmuKernel *kernel)
{
    uint32_t bytes = kernel->shared_bytes < EMU_SHARED_PER_BLOCK ? EMU_SHARED_PER_BLOCK - kernel->shared_bytes : 0;
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < allowed_count; i++)
        if (allowed[i].kernel == kernel)
            bytes = allowed[i].bytes;
    pthread_mutex_unlock(&lock);
    return bytes;
}

static cudaError_t allow(const EmuKernel *kernel, uint32_t bytes)
{
    uint32_t i = 0;
    if (bytes + kernel->shared_bytes > EMU_SHARED_OPTIN)
        return cudaErrorInvalidValue;
    pthread_mutex_lock(&lock);
    while (i < allowed_count && allowed[i].kernel != kernel)
        i++;
    bool has_room = i < sizeof allowed / sizeof *allowed;
    if (has_room) {
        allowed[i].kernel = kernel;
        allowed[i].bytes = bytes;
        if (i == allowed_count)
            allowed_count++;
    }
    pthread_mutex_unlock(&lock);
    return has_room ? cudaSuccess : cudaErrorMemoryAllocation;
}

EXPORT cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *function)
{
    Module *module;
    const EmuKernel *kernel;
    ENTER;
    if (attributes == NULL)
        return emu_return(cudaErrorInvalidValue);
    cudaError_t error = emu_find_kernel(function, &module, &kernel);
    if (error != cudaSuccess)
        return emu_return(error);
    memset(attributes, 0, sizeof *attributes);
    attributes->sharedSizeBytes = kernel->shared_bytes;
    attributes->localSizeBytes = kernel->local_bytes;
    attributes->maxThreadsPerBlock = kernel->max_threads != 0 ? (int)kernel->max_threads : 1024;
    attributes->numRegs = kernel->registers == 0 ? 32 : kernel->registers > 255 ? 255 : (int)kernel->registers;
    attributes->ptxVersion = attributes->binaryVersion = (int)module->table->target;
    attributes->maxDynamicSharedSizeBytes = (int)emu_dynamic_shared_limit(kernel);
    attributes->preferredShmemCarveout = -1;
    return cudaSuccess;
}

EXPORT cudaError_t cudaFuncSetAttribute(const void *function, enum cudaFuncAttribute attribute, int value)
{
    Module *module;
    const EmuKernel *kernel;
    ENTER;
    cudaError_t error = emu_find_kernel(function, &module, &kernel);
    if (error == cudaSuccess && attribute == cudaFuncAttributeMaxDynamicSharedMemorySize)
        error = value < 0 ? cudaErrorInvalidValue : allow(kernel, (uint32_t)value);
    return emu_return(error);
}

EXPORT cudaError_t cudaFuncSetCacheConfig(const void *function, enum cudaFuncCache config)
{
    (void)function, (void)config;
    ENTER;
    return cudaSuccess;
}

EXPORT cudaError_t cudaFuncSetSharedMemConfig(const void *function, enum cudaSharedMemConfig config)
{
    (void)function, (void)config;
    ENTER;
    return cudaSuccess;
}

EXPORT cudaError_t cudaFuncGetName(const char **name, const void *function)
{
    Module *module;
    const EmuKernel *kernel;
    ENTER;
    cudaError_t error = emu_find_kernel(function, &module, &kernel);
    if (error == cudaSuccess)
        *name = kernel->name;
    return emu_return(error);
}

EXPORT cudaError_t cudaFuncGetParamInfo(const void *function, size_t index, size_t *offset, size_t *bytes)
{
    Module *module;
    const EmuKernel *kernel;
    ENTER;
    cudaError_t error = emu_find_kernel(function, &module, &kernel);
    if (error != cudaSuccess)
        return emu_return(error);
    if (index >= kernel->parameter_count)
        return emu_return(cudaErrorInvalidValue);
    *offset = kernel->parameters[index].offset;
    if (bytes != NULL)
        *bytes = kernel->parameters[index].bytes;
    return cudaSuccess;
}

EXPORT cudaError_t cudaGetFuncBySymbol(cudaFunction_t *function, const void *symbol)
{
    Module *module;
    const EmuKernel *kernel;
    ENTER;
    *function = (cudaFunction_t)(uintptr_t)symbol;
    return emu_return(emu_find_kernel(symbol, &module, &kernel));
}

EXPORT cudaError_t cudaGetKernel(cudaKernel_t *kernel, const void *function)
{
    ENTER;
    return __cudaGetKernel(kernel, function);
}

/* --- Occupancy ---------------------------------------------------------------------------------------------------- */

int emu_blocks_per_sm(const EmuKernel *kernel, uint32_t threads, size_t shared_dynamic)
{
    size_t shared = kernel->shared_bytes + shared_dynamic + 1024;    /* each block reserves that much for itself */
    uint32_t whole_warps = (threads + 31) & ~31u, registers = kernel->registers == 0    ? 32
                                                              : kernel->registers > 255 ? 255
                                                                                        : kernel->registers;
    uint32_t blocks = EMU_THREADS_PER_SM / whole_warps;
    uint32_t by_shared = (uint32_t)(EMU_SHARED_PER_SM / shared),
             by_registers = EMU_REGISTERS / (((registers + 7) & ~7u) * whole_warps);
    if (kernel->max_threads != 0 && threads > kernel->max_threads)
        return 0;
    if (by_registers == 0)
        by_registers = 1;    /* the count is an estimate, and the kernel does run */
    blocks = blocks < by_shared ? blocks : by_shared;
    blocks = blocks < by_registers ? blocks : by_registers;
    return (int)(blocks < EMU_BLOCKS_PER_SM ? blocks : EMU_BLOCKS_PER_SM);
}

EXPORT cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *function,
                                                                          int threads, size_t shared_dynamic,
                                                                          unsigned flags)
{
    Module *module;
    const EmuKernel *kernel;
    (void)flags;
    ENTER;
    cudaError_t error = emu_find_kernel(function, &module, &kernel);
    if (error != cudaSuccess)
        return emu_return(error);
    if (threads <= 0 || blocks == NULL)
        return emu_return(cudaErrorInvalidValue);
    *blocks = threads > 1024 ? 0 : emu_blocks_per_sm(kernel, (uint32_t)threads, shared_dynamic);
    return cudaSuccess;
}

EXPORT cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *function, int threads,
                                                                 size_t shared_dynamic)
{
    return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, function, threads, shared_dynamic,
                                                                  cudaOccupancyDefault);
}

EXPORT cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t *bytes, const void *function, int blocks,
                                                             int threads)
{
    Module *module;
    const EmuKernel *kernel;
    (void)threads;
    ENTER;
    cudaError_t error = emu_find_kernel(function, &module, &kernel);
    if (error != cudaSuccess)
        return emu_return(error);
    if (blocks <= 0)
        return emu_return(cudaErrorInvalidValue);
    size_t each = EMU_SHARED_PER_SM / (size_t)blocks, taken = kernel->shared_bytes + 1024;
    *bytes = each > taken ? each - taken : 0;
    if (*bytes > EMU_SHARED_OPTIN - kernel->shared_bytes)
        *bytes = EMU_SHARED_OPTIN - kernel->shared_bytes;
    return cudaSuccess;
}
