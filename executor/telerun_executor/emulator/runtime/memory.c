/* cudaMalloc and its kin. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "allocation.h"
#include "memory.h"
#include "module.h"
#include "output.h"
#include "report.h"

#define PITCH 512u    /* rows of cudaMallocPitch begin at multiples of it */
#define UNWRITTEN 0xcd          /* fresh device memory is full of it: zeros would hide that nobody wrote there */
#define MOST_FILLED ((size_t)16 << 20)

cudaError_t emu_take_memory(void **memory, size_t bytes, AllocationKind kind, const char *name)
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

cudaError_t emu_give_memory(void *memory, uint32_t kinds, const char *name)
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

EXPORT cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    return emu_take_memory(memory, bytes, DEVICE_MEMORY, "cudaMalloc");
}
EXPORT cudaError_t cudaFree(void *memory) { return emu_give_memory(memory, EMU_ANY_DEVICE_MEMORY, "cudaFree"); }
EXPORT cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    return emu_take_memory(memory, bytes, PINNED_MEMORY, "cudaMallocHost");
}
EXPORT cudaError_t cudaFreeHost(void *memory) { return emu_give_memory(memory, 1u << PINNED_MEMORY, "cudaFreeHost"); }

EXPORT cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned flags)
{
    (void)flags;
    return emu_take_memory(memory, bytes, PINNED_MEMORY, "cudaHostAlloc");
}

EXPORT cudaError_t cudaMallocManaged(void **memory, size_t bytes, unsigned flags)
{
    if (bytes == 0 || (flags != cudaMemAttachGlobal && flags != cudaMemAttachHost))
        return emu_return(cudaErrorInvalidValue);
    return emu_take_memory(memory, bytes, MANAGED_MEMORY, "cudaMallocManaged");
}

EXPORT cudaError_t cudaMallocPitch(void **memory, size_t *pitch, size_t width, size_t height)
{
    *pitch = (width + PITCH - 1) & ~(size_t)(PITCH - 1);
    return emu_take_memory(memory, *pitch * height, DEVICE_MEMORY, "cudaMallocPitch");
}

EXPORT cudaError_t cudaMalloc3D(struct cudaPitchedPtr *memory, struct cudaExtent extent)
{
    memory->pitch = (extent.width + PITCH - 1) & ~(size_t)(PITCH - 1);
    memory->xsize = extent.width;
    memory->ysize = extent.height;
    return emu_take_memory(&memory->ptr, memory->pitch * extent.height * extent.depth, DEVICE_MEMORY, "cudaMalloc3D");
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
    if (!emu_find((uint64_t)(uintptr_t)host, &found) ||
        (found.kind != PINNED_MEMORY && found.kind != REGISTERED_MEMORY))
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
        attributes->type = found.kind == PINNED_MEMORY || found.kind == REGISTERED_MEMORY ? cudaMemoryTypeHost
                                                                                          : cudaMemoryTypeManaged;
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

/* --- Advice about managed memory changes nothing, but must be about managed memory
 * ----------------------------- */

static cudaError_t advise(const void *memory, size_t bytes)
{
    Allocation found;
    ENTER;
    if (!emu_find((uint64_t)(uintptr_t)memory, &found) || found.freed || found.low & EMU_DEVICE_BIT ||
        bytes > found.high - (uint64_t)(uintptr_t)memory)
        return emu_return(cudaErrorInvalidValue);
    return cudaSuccess;
}

#if CUDART_VERSION >= 13000
EXPORT cudaError_t cudaMemPrefetchAsync(const void *memory, size_t bytes, struct cudaMemLocation to, unsigned flags,
                                        cudaStream_t stream)
{
    (void)to, (void)flags, (void)stream;
    return advise(memory, bytes);
}

EXPORT cudaError_t cudaMemAdvise(const void *memory, size_t bytes, enum cudaMemoryAdvise advice,
                                 struct cudaMemLocation location)
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

/* TELERUN_EMULATOR_LEAKS=1, and kernel output that was never shown. */
__attribute__((destructor)) static void at_exit(void)
{
    size_t waiting = emu_output_waiting();
    if (waiting > 0)
        emu_say("note",
                "%zu bytes that kernels printed were never shown: the program ended without waiting for them "
                "(cudaDeviceSynchronize)",
                waiting);
    if (emu_setting("TELERUN_EMULATOR_LEAKS", 0) != 0)
        emu_report_leaks();
}
