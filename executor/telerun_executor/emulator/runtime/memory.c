/* cudaMalloc and its kin. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "allocation.h"
#include "device_limits.h"
#include "output.h"
#include "report.h"
#include "stream.h"

#define PITCH 512u    /* rows of cudaMallocPitch begin at multiples of it */
#define UNWRITTEN 0xcd          /* fresh device memory is full of it: zeros would hide that nobody wrote there */
#define MOST_FILLED ((size_t)16 << 20)
#define ANY_DEVICE (1u << DEVICE_MEMORY | 1u << MANAGED_MEMORY)

static cudaError_t allocate(void **memory, size_t bytes, AllocationKind kind, const char *name)
{
    ENTER;
    if (memory == NULL)
        return emu_return(cudaErrorInvalidValue);
    *memory = NULL;
    if (bytes == 0)
        return cudaSuccess;
    uint64_t address = emu_allocate(bytes, kind, name);
    if (address != 0 && kind == DEVICE_MEMORY && bytes <= MOST_FILLED && emu_setting_checks() & EMU_CHECK_INIT)
        memset(emu_host(address), UNWRITTEN, bytes);
    *memory = (void *)(uintptr_t)address;
    return emu_return(address == 0 ? cudaErrorMemoryAllocation : cudaSuccess);
}

static cudaError_t release(void *memory, uint32_t kinds, const char *name)
{
    char words[500];
    uint64_t address = (uint64_t)(uintptr_t)memory;
    emu_output_flush();
    ENTER;
    if (memory == NULL)
        return cudaSuccess;
    switch (emu_release(address, kinds)) {
    case FREED:
        return cudaSuccess;
    case FREED_BEFORE:
        emu_say("error", "%s: %#lx was freed before", name, address);
        break;
    default:
        emu_describe(address, words, sizeof words);
        emu_say("error", "%s: %#lx cannot be freed here: %s", name, address, words);
    }
    return emu_return(cudaErrorInvalidValue);
}

EXPORT cudaError_t cudaMalloc(void **memory, size_t bytes) { return allocate(memory, bytes, DEVICE_MEMORY, "cudaMalloc"); }
EXPORT cudaError_t cudaFree(void *memory) { return release(memory, ANY_DEVICE, "cudaFree"); }
EXPORT cudaError_t cudaMallocHost(void **memory, size_t bytes) { return allocate(memory, bytes, PINNED_MEMORY, "cudaMallocHost"); }
EXPORT cudaError_t cudaFreeHost(void *memory) { return release(memory, 1u << PINNED_MEMORY, "cudaFreeHost"); }

EXPORT cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned flags)
{
    (void)flags;
    return allocate(memory, bytes, PINNED_MEMORY, "cudaHostAlloc");
}

EXPORT cudaError_t cudaMallocManaged(void **memory, size_t bytes, unsigned flags)
{
    if (bytes == 0 || (flags != cudaMemAttachGlobal && flags != cudaMemAttachHost))
        return emu_return(cudaErrorInvalidValue);
    return allocate(memory, bytes, MANAGED_MEMORY, "cudaMallocManaged");
}

EXPORT cudaError_t cudaMallocPitch(void **memory, size_t *pitch, size_t width, size_t height)
{
    *pitch = (width + PITCH - 1) & ~(size_t)(PITCH - 1);
    return allocate(memory, *pitch * height, DEVICE_MEMORY, "cudaMallocPitch");
}

EXPORT cudaError_t cudaMalloc3D(struct cudaPitchedPtr *memory, struct cudaExtent extent)
{
    memory->pitch = (extent.width + PITCH - 1) & ~(size_t)(PITCH - 1);
    memory->xsize = extent.width;
    memory->ysize = extent.height;
    return allocate(&memory->ptr, memory->pitch * extent.height * extent.depth, DEVICE_MEMORY, "cudaMalloc3D");
}

EXPORT cudaError_t cudaHostRegister(void *memory, size_t bytes, unsigned flags)
{
    (void)flags;
    Allocation found;
    ENTER;
    if (memory == NULL || bytes == 0)
        return emu_return(cudaErrorInvalidValue);
    if (emu_find((uint64_t)(uintptr_t)memory, &found))
        return emu_return(cudaErrorHostMemoryAlreadyRegistered);
    emu_enter_allocation((uint64_t)(uintptr_t)memory, bytes, REGISTERED_MEMORY, "cudaHostRegister");
    return cudaSuccess;
}

EXPORT cudaError_t cudaHostUnregister(void *memory)
{
    Allocation found;
    ENTER;
    if (!emu_find((uint64_t)(uintptr_t)memory, &found) || found.kind != REGISTERED_MEMORY)
        return emu_return(cudaErrorHostMemoryNotRegistered);
    emu_forget_allocation((uint64_t)(uintptr_t)memory);
    return cudaSuccess;
}

EXPORT cudaError_t cudaHostGetDevicePointer(void **device, void *host, unsigned flags)
{
    Allocation found;
    (void)flags;
    ENTER;
    if (!emu_find((uint64_t)(uintptr_t)host, &found) || (found.kind != PINNED_MEMORY && found.kind != REGISTERED_MEMORY))
        return emu_return(cudaErrorInvalidValue);
    *device = host;
    return cudaSuccess;
}

EXPORT cudaError_t cudaHostGetFlags(unsigned *flags, void *host)
{
    Allocation found;
    ENTER;
    if (!emu_find((uint64_t)(uintptr_t)host, &found) || found.kind != PINNED_MEMORY)
        return emu_return(cudaErrorInvalidValue);
    *flags = cudaHostAllocMapped;
    return cudaSuccess;
}

EXPORT cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *attributes, const void *memory)
{
    Allocation found;
    ENTER;
    if (attributes == NULL)
        return emu_return(cudaErrorInvalidValue);
    memset(attributes, 0, sizeof *attributes);
    attributes->device = -2;    /* cudaInvalidDeviceId */
    attributes->hostPointer = (void *)(uintptr_t)memory;
    if (!emu_find((uint64_t)(uintptr_t)memory, &found) || found.freed) {
        if ((uint64_t)(uintptr_t)memory & EMU_DEVICE_BIT)
            return emu_return(cudaErrorInvalidValue);
        return cudaSuccess;    /* cudaMemoryTypeUnregistered */
    }
    attributes->device = found.device;
    attributes->devicePointer = (void *)(uintptr_t)memory;
    if (found.low & EMU_DEVICE_BIT) {
        attributes->type = cudaMemoryTypeDevice;
        attributes->hostPointer = NULL;
    } else {
        attributes->type = found.kind == PINNED_MEMORY || found.kind == REGISTERED_MEMORY ? cudaMemoryTypeHost : cudaMemoryTypeManaged;
    }
    return cudaSuccess;
}

EXPORT cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes)
{
    ENTER;
    if (free_bytes == NULL || total_bytes == NULL)
        return emu_return(cudaErrorInvalidValue);
    *total_bytes = emu_memory_total();
    *free_bytes = *total_bytes - emu_memory_used();
    return cudaSuccess;
}

/* --- Advice about managed memory changes nothing, but must be about managed memory ------------------------------------ */

static cudaError_t advise(const void *memory, size_t bytes)
{
    Allocation found;
    ENTER;
    if (!emu_find((uint64_t)(uintptr_t)memory, &found) || found.freed || found.low & EMU_DEVICE_BIT
        || bytes > found.high - (uint64_t)(uintptr_t)memory)
        return emu_return(cudaErrorInvalidValue);
    return cudaSuccess;
}

#if CUDART_VERSION >= 13000
EXPORT cudaError_t cudaMemPrefetchAsync(const void *memory, size_t bytes, struct cudaMemLocation to, unsigned flags, cudaStream_t stream)
{
    (void)to, (void)flags, (void)stream;
    return advise(memory, bytes);
}

EXPORT cudaError_t cudaMemAdvise(const void *memory, size_t bytes, enum cudaMemoryAdvise advice, struct cudaMemLocation location)
{
    (void)advice, (void)location;
    return advise(memory, bytes);
}
#else
EXPORT cudaError_t cudaMemPrefetchAsync(const void *memory, size_t bytes, int device, cudaStream_t stream)
{
    (void)device, (void)stream;
    return advise(memory, bytes);
}

EXPORT cudaError_t cudaMemAdvise(const void *memory, size_t bytes, enum cudaMemoryAdvise advice, int device)
{
    (void)advice, (void)device;
    return advise(memory, bytes);
}
#endif

/* --- Stream-ordered memory and pools --------------------------------------------------------------------------------- */

struct CUmemPoolHandle_st { uint64_t release_threshold; int reuse[3]; };
static struct CUmemPoolHandle_st default_pool = {.reuse = {1, 1, 1}};

EXPORT cudaError_t cudaMallocAsync(void **memory, size_t bytes, cudaStream_t stream)
{
    if (emu_stream_is_capturing(stream)) {
        cudaError_t error = allocate(memory, bytes, DEVICE_MEMORY, "cudaMallocAsync");
        if (error != cudaSuccess)
            return error;
        return emu_return(emu_submit(stream, (Operation){.kind = DO_ALLOCATE, .address = (uint64_t)(uintptr_t)*memory}, "cudaMallocAsync"));
    }
    return allocate(memory, bytes, DEVICE_MEMORY, "cudaMallocAsync");
}

EXPORT cudaError_t cudaFreeAsync(void *memory, cudaStream_t stream)
{
    if (emu_stream_is_capturing(stream))    /* the graph may be launched again: its memory stays */
        return emu_return(emu_submit(stream, (Operation){.kind = DO_NOTHING}, "cudaFreeAsync"));
    return release(memory, ANY_DEVICE, "cudaFreeAsync");
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

EXPORT cudaError_t cudaDeviceGetMemPool(cudaMemPool_t *pool, int device) { return cudaDeviceGetDefaultMemPool(pool, device); }

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
    else if (attribute >= cudaMemPoolReuseFollowEventDependencies && attribute <= cudaMemPoolReuseAllowInternalDependencies)
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

EXPORT cudaError_t cudaMemPoolGetAccess(enum cudaMemAccessFlags *flags, cudaMemPool_t pool, struct cudaMemLocation *location)
{
    (void)pool, (void)location;
    ENTER;
    *flags = cudaMemAccessFlagsProtReadWrite;
    return cudaSuccess;
}

/* TELERUN_EMULATOR_LEAKS=1, and kernel output that was never shown. */
__attribute__((destructor)) static void at_exit(void)
{
    size_t waiting = emu_output_waiting();
    if (waiting > 0)
        emu_say("note", "%zu bytes that kernels printed were never shown: the program ended without waiting for them (cudaDeviceSynchronize)",
                waiting);
    if (emu_setting("TELERUN_EMULATOR_LEAKS", 0) != 0)
        emu_report_leaks();
}
