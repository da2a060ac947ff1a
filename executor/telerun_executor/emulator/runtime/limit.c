/* Limits that a program can set, preferences that change nothing here, versions and entry points. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

#include "device_limits.h"
#include "error.h"
#include "output.h"

static size_t limits[8] = {[cudaLimitStackSize] = 1024,
                           [cudaLimitPrintfFifoSize] = 1 << 20,
                           [cudaLimitMallocHeapSize] = 8 << 20,
                           [cudaLimitMaxL2FetchGranularity] = 64};

size_t emu_stack_limit(void) { return limits[cudaLimitStackSize]; }

EXPORT cudaError_t cudaDeviceSetLimit(enum cudaLimit limit, size_t value)
{
    ENTER;
    if ((unsigned)limit >= sizeof limits / sizeof *limits)
        return emu_return(cudaErrorUnsupportedLimit);
    limits[limit] = value;
    if (limit == cudaLimitPrintfFifoSize)
        emu_output_limit(value);
    if (limit == cudaLimitMallocHeapSize)
        emu_heap_limit(value);
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceGetLimit(size_t *value, enum cudaLimit limit)
{
    ENTER;
    if ((unsigned)limit >= sizeof limits / sizeof *limits)
        return emu_return(cudaErrorUnsupportedLimit);
    *value = limits[limit];
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceSetCacheConfig(enum cudaFuncCache config)
{
    (void)config;
    ENTER;
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceGetCacheConfig(enum cudaFuncCache *config)
{
    ENTER;
    *config = cudaFuncCachePreferNone;
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceSetSharedMemConfig(enum cudaSharedMemConfig config)
{
    (void)config;
    ENTER;
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceGetSharedMemConfig(enum cudaSharedMemConfig *config)
{
    ENTER;
    *config = cudaSharedMemBankSizeFourByte;
    return cudaSuccess;
}

EXPORT cudaError_t cudaCtxResetPersistingL2Cache(void)
{
    ENTER;
    return cudaSuccess;
}

EXPORT cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

EXPORT cudaError_t cudaDriverGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

EXPORT cudaError_t cudaProfilerStart(void) { return cudaSuccess; }
EXPORT cudaError_t cudaProfilerStop(void) { return cudaSuccess; }

/* --- Driver functions: from the stand-in for libcuda.so.1 beside us
 * -------------------------------------------- */

EXPORT cudaError_t cudaGetDriverEntryPointByVersion(const char *name, void **function, unsigned version,
                                                    unsigned long long flags,
                                                    enum cudaDriverEntryPointQueryResult *result)
{
    char versioned[128];
    (void)version, (void)flags;
    ENTER;
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    *function = driver == NULL ? NULL : dlsym(driver, name);
    for (int number = 2; driver != NULL && *function == NULL && number <= 4; number++) {
        snprintf(versioned, sizeof versioned, "%s_v%d", name, number);
        *function = dlsym(driver, versioned);
    }
    if (result != NULL)
        *result = *function == NULL ? cudaDriverEntryPointSymbolNotFound : cudaDriverEntryPointSuccess;
    return emu_return(*function == NULL ? cudaErrorSymbolNotFound : cudaSuccess);
}

EXPORT cudaError_t cudaGetDriverEntryPoint(const char *name, void **function, unsigned long long flags,
                                           enum cudaDriverEntryPointQueryResult *result)
{
    return cudaGetDriverEntryPointByVersion(name, function, CUDART_VERSION, flags, result);
}
