/* Stream-ordered memory and pools: memory is taken and given back at once, so a pool only keeps its attributes. */
#include <stdlib.h>

#include "device_limits.h"
#include "memory.h"
#include "stream.h"

struct CUmemPoolHandle_st {
    uint64_t release_threshold;
    int reuse[3];
};
static struct CUmemPoolHandle_st default_pool = {.reuse = {1, 1, 1}};

EXPORT cudaError_t cudaMallocAsync(void **memory, size_t bytes, cudaStream_t stream)
{
    if (emu_stream_is_capturing(stream)) {
        cudaError_t error = emu_take_memory(memory, bytes, DEVICE_MEMORY, "cudaMallocAsync");
        if (error != cudaSuccess)
            return error;
        return emu_return(emu_submit(stream, (Operation){.kind = DO_ALLOCATE, .address = (uint64_t)(uintptr_t)*memory},
                                     "cudaMallocAsync"));
    }
    return emu_take_memory(memory, bytes, DEVICE_MEMORY, "cudaMallocAsync");
}

EXPORT cudaError_t cudaFreeAsync(void *memory, cudaStream_t stream)
{
    if (emu_stream_is_capturing(stream))    /* the graph may be launched again: its memory stays */
        return emu_return(emu_submit(stream, (Operation){.kind = DO_NOTHING}, "cudaFreeAsync"));
    return emu_give_memory(memory, EMU_ANY_DEVICE_MEMORY, "cudaFreeAsync");
}

EXPORT cudaError_t cudaMallocFromPoolAsync(void **memory, size_t bytes, cudaMemPool_t pool, cudaStream_t stream)
{
    if (pool == NULL)
        return emu_return(cudaErrorInvalidValue);
    return cudaMallocAsync(memory, bytes, stream);
}

EXPORT cudaError_t cudaMemPoolCreate(cudaMemPool_t *pool, const struct cudaMemPoolProps *properties)
{
    (void)properties;
    ENTER;
    if ((*pool = calloc(1, sizeof **pool)) == NULL)
        return emu_return(cudaErrorMemoryAllocation);
    return cudaSuccess;
}

EXPORT cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool)
{
    ENTER;
    if (pool == NULL || pool == &default_pool)
        return emu_return(cudaErrorInvalidValue);
    free(pool);
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int device)
{
    ENTER;
    if (device < 0 || device >= emu_device_count())
        return emu_return(cudaErrorInvalidDevice);
    *pool = &default_pool;
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceGetMemPool(cudaMemPool_t *pool, int device)
{
    return cudaDeviceGetDefaultMemPool(pool, device);
}

EXPORT cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t pool)
{
    (void)pool;
    ENTER;
    return emu_return(device < 0 || device >= emu_device_count() ? cudaErrorInvalidDevice : cudaSuccess);
}

EXPORT cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes)
{
    (void)pool, (void)bytes;
    ENTER;
    return cudaSuccess;
}

EXPORT cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute, void *value)
{
    ENTER;
    if (pool == NULL || value == NULL)
        return emu_return(cudaErrorInvalidValue);
    if (attribute == cudaMemPoolAttrReleaseThreshold)
        pool->release_threshold = *(uint64_t *)value;
    else if (attribute >= cudaMemPoolReuseFollowEventDependencies &&
             attribute <= cudaMemPoolReuseAllowInternalDependencies)
        pool->reuse[attribute - cudaMemPoolReuseFollowEventDependencies] = *(int *)value;
    return cudaSuccess;
}

EXPORT cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute, void *value)
{
    ENTER;
    if (pool == NULL || value == NULL)
        return emu_return(cudaErrorInvalidValue);
    if (attribute >= cudaMemPoolReuseFollowEventDependencies && attribute <= cudaMemPoolReuseAllowInternalDependencies)
        *(int *)value = pool->reuse[attribute - cudaMemPoolReuseFollowEventDependencies];
    else
        *(uint64_t *)value = attribute == cudaMemPoolAttrReleaseThreshold ? pool->release_threshold : emu_memory_used();
    return cudaSuccess;
}

EXPORT cudaError_t cudaMemPoolSetAccess(cudaMemPool_t pool, const struct cudaMemAccessDesc *access, size_t count)
{
    (void)pool, (void)access, (void)count;
    ENTER;
    return cudaSuccess;
}

EXPORT cudaError_t cudaMemPoolGetAccess(enum cudaMemAccessFlags *flags, cudaMemPool_t pool,
                                        struct cudaMemLocation *location)
{
    (void)pool, (void)location;
    ENTER;
    *flags = cudaMemAccessFlagsProtReadWrite;
    return cudaSuccess;
}
