/* The device: how many, what it is, its limits. Numbers are those of a small GPU of the emulated compute capability. */
#define _GNU_SOURCE
#include <stdio.h>

#include "allocation.h"
#include "device_limits.h"
#include "error.h"
#include "module.h"
#include "output.h"
#include "report.h"
#include "stream.h"

#define CLOCK_KHZ 1000000
#define MEMORY_BUS_BITS 256
#define MOST_TEXELS 131072     /* of an axis; in three dimensions: */
#define MOST_TEXELS_3D 16384
#define L2_BYTES (4 << 20)

static _Thread_local int current;
static unsigned device_flags = cudaDeviceScheduleAuto;

static int arch(void)
{
    static int found;
    if (found == 0)
        found = (int)emu_setting("TELERUN_EMULATOR_ARCH", 80);
    return found;
}

int emu_device_count(void)
{
    uint64_t count = emu_setting("TELERUN_EMULATOR_DEVICES", 1);
    return count > 64 ? 64 : (int)count;
}

int emu_current_device(void) { return current; }

static bool is_device(int device) { return device >= 0 && device < emu_device_count(); }

EXPORT cudaError_t cudaGetDeviceCount(int *count)
{
    ENTER;
    *count = emu_device_count();
    return emu_return(*count == 0 ? cudaErrorNoDevice : cudaSuccess);
}

EXPORT cudaError_t cudaGetDevice(int *device)
{
    ENTER;
    *device = current;
    return cudaSuccess;
}

EXPORT cudaError_t cudaSetDevice(int device)
{
    ENTER;
    if (!is_device(device))
        return emu_return(cudaErrorInvalidDevice);
    current = device;
    return cudaSuccess;
}

EXPORT cudaError_t cudaInitDevice(int device, unsigned flags, unsigned which)
{
    (void)flags, (void)which;
    ENTER;
    return emu_return(is_device(device) ? cudaSuccess : cudaErrorInvalidDevice);
}

EXPORT cudaError_t cudaSetValidDevices(int *devices, int count)
{
    ENTER;
    for (int i = 0; i < count; i++)
        if (!is_device(devices[i]))
            return emu_return(cudaErrorInvalidDevice);
    return cudaSuccess;
}

EXPORT cudaError_t cudaChooseDevice(int *device, const struct cudaDeviceProp *wanted)
{
    (void)wanted;
    ENTER;
    *device = 0;
    return cudaSuccess;
}

EXPORT cudaError_t cudaSetDeviceFlags(unsigned flags)
{
    ENTER;
    device_flags = flags;
    return cudaSuccess;
}

EXPORT cudaError_t cudaGetDeviceFlags(unsigned *flags)
{
    ENTER;
    *flags = device_flags | cudaDeviceMapHost;
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceSynchronize(void)
{
    emu_output_flush();
    ENTER;
    return emu_return(emu_is_any_capturing() ? cudaErrorStreamCaptureUnsupported : cudaSuccess);
}

EXPORT cudaError_t cudaDeviceReset(void)
{
    emu_output_flush();
    emu_release_all();
    emu_heap_reset();
    emu_forget_failures();
    return cudaSuccess;
}

EXPORT cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
    ENTER;
    if (p == NULL)
        return emu_return(cudaErrorInvalidValue);
    if (!is_device(device))
        return emu_return(cudaErrorInvalidDevice);
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "CPU emulation (compute_%d)", arch());
    memcpy(p->uuid.bytes, "telerun-emulate", 15);
    p->uuid.bytes[15] = (char)device;
    p->totalGlobalMem = emu_memory_total();
    p->sharedMemPerBlock = EMU_SHARED_PER_BLOCK;
    p->regsPerBlock = p->regsPerMultiprocessor = EMU_REGISTERS;
    p->warpSize = 32;
    p->memPitch = 0x7fffffff;
    p->maxThreadsPerBlock = p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
    p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = 0x7fffffff;
    p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    p->totalConstMem = 65536;
    p->major = arch() / 10;
    p->minor = arch() % 10;
    p->textureAlignment = 512;
    p->texturePitchAlignment = 32;
    p->maxTexture1D = p->maxTexture2D[0] = p->maxSurface1D = p->maxSurface2D[0] = MOST_TEXELS;
    p->maxTexture2D[1] = p->maxTexture2DLinear[1] = p->maxSurface2D[1] = MOST_TEXELS / 2;
    p->maxTexture2DLinear[0] = MOST_TEXELS;
    p->maxTexture2DLinear[2] = 0x1fffe0;
    for (int i = 0; i < 3; i++)
        p->maxTexture3D[i] = p->maxSurface3D[i] = MOST_TEXELS_3D;
    p->maxTexture1DLayered[0] = p->maxTexture2DLayered[0] = p->maxTexture2DLayered[1] = 32768;
    p->maxTexture1DLayered[1] = p->maxTexture2DLayered[2] = 2048;
    p->multiProcessorCount = EMU_SM_COUNT;
    p->canMapHostMemory = p->concurrentKernels = p->unifiedAddressing = p->managedMemory = 1;
    p->surfaceAlignment = 512;
    p->pciBusID = device + 1;
    p->asyncEngineCount = 1;
    p->memoryBusWidth = MEMORY_BUS_BITS;
    p->l2CacheSize = L2_BYTES;
    p->maxThreadsPerMultiProcessor = EMU_THREADS_PER_SM;
    p->streamPrioritiesSupported = p->globalL1CacheSupported = p->localL1CacheSupported = 1;
    p->sharedMemPerMultiprocessor = EMU_SHARED_PER_SM;
    p->concurrentManagedAccess = p->computePreemptionSupported = 1;
    p->canUseHostPointerForRegisteredMem = p->cooperativeLaunch = 1;
    p->sharedMemPerBlockOptin = EMU_SHARED_OPTIN;
    p->maxBlocksPerMultiProcessor = EMU_BLOCKS_PER_SM;
    p->reservedSharedMemPerBlock = 1024;
    p->hostRegisterSupported = p->memoryPoolsSupported = 1;
#if CUDART_VERSION < 13000
    p->clockRate = CLOCK_KHZ;
    p->memoryClockRate = CLOCK_KHZ;
    p->singleToDoublePrecisionPerfRatio = 2;
#endif
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    ENTER;
    if (value == NULL)
        return emu_return(cudaErrorInvalidValue);
    if (!is_device(device))
        return emu_return(cudaErrorInvalidDevice);
    static const struct {
        enum cudaDeviceAttr attribute;
        int value;
    } table[] = {
        {cudaDevAttrMaxThreadsPerBlock, 1024},
        {cudaDevAttrMaxBlockDimX, 1024},
        {cudaDevAttrMaxBlockDimY, 1024},
        {cudaDevAttrMaxBlockDimZ, 64},
        {cudaDevAttrMaxGridDimX, 0x7fffffff},
        {cudaDevAttrMaxGridDimY, 65535},
        {cudaDevAttrMaxGridDimZ, 65535},
        {cudaDevAttrMaxSharedMemoryPerBlock, EMU_SHARED_PER_BLOCK},
        {cudaDevAttrTotalConstantMemory, 65536},
        {cudaDevAttrWarpSize, 32},
        {cudaDevAttrMaxPitch, 0x7fffffff},
        {cudaDevAttrMaxRegistersPerBlock, EMU_REGISTERS},
        {cudaDevAttrClockRate, CLOCK_KHZ},
        {cudaDevAttrTextureAlignment, 512},
        {cudaDevAttrMaxTexture1DWidth, MOST_TEXELS},
        {cudaDevAttrMaxTexture2DWidth, MOST_TEXELS},
        {cudaDevAttrMaxTexture2DHeight, MOST_TEXELS / 2},
        {cudaDevAttrMaxTexture3DWidth, MOST_TEXELS_3D},
        {cudaDevAttrMaxTexture3DHeight, MOST_TEXELS_3D},
        {cudaDevAttrMaxTexture3DDepth, MOST_TEXELS_3D},
        {cudaDevAttrMaxTexture2DLinearWidth, MOST_TEXELS},
        {cudaDevAttrMaxTexture2DLinearHeight, MOST_TEXELS / 2},
        {cudaDevAttrGpuOverlap, 1},
        {cudaDevAttrMultiProcessorCount, EMU_SM_COUNT},
        {cudaDevAttrCanMapHostMemory, 1},
        {cudaDevAttrSurfaceAlignment, 512},
        {cudaDevAttrConcurrentKernels, 1},
        {cudaDevAttrMemoryClockRate, CLOCK_KHZ},
        {cudaDevAttrGlobalMemoryBusWidth, MEMORY_BUS_BITS},
        {cudaDevAttrL2CacheSize, L2_BYTES},
        {cudaDevAttrMaxThreadsPerMultiProcessor, EMU_THREADS_PER_SM},
        {cudaDevAttrAsyncEngineCount, 1},
        {cudaDevAttrUnifiedAddressing, 1},
        {cudaDevAttrTexturePitchAlignment, 32},
        {cudaDevAttrStreamPrioritiesSupported, 1},
        {cudaDevAttrGlobalL1CacheSupported, 1},
        {cudaDevAttrLocalL1CacheSupported, 1},
        {cudaDevAttrMaxSharedMemoryPerMultiprocessor, EMU_SHARED_PER_SM},
        {cudaDevAttrMaxRegistersPerMultiprocessor, EMU_REGISTERS},
        {cudaDevAttrManagedMemory, 1},
        {cudaDevAttrSingleToDoublePrecisionPerfRatio, 2},
        {cudaDevAttrConcurrentManagedAccess, 1},
        {cudaDevAttrComputePreemptionSupported, 1},
        {cudaDevAttrCanUseHostPointerForRegisteredMem, 1},
        {cudaDevAttrCooperativeLaunch, 1},
        {cudaDevAttrMaxSharedMemoryPerBlockOptin, EMU_SHARED_OPTIN},
        {cudaDevAttrHostRegisterSupported, 1},
        {cudaDevAttrMaxBlocksPerMultiprocessor, EMU_BLOCKS_PER_SM},
        {cudaDevAttrReservedSharedMemoryPerBlock, 1024},
        {cudaDevAttrMemoryPoolsSupported, 1},
    };
    *value = 0; /* what is not here, the emulated device cannot do */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].attribute == attribute)
            *value = table[i].value;
    if (attribute == cudaDevAttrComputeCapabilityMajor)
        *value = arch() / 10;
    if (attribute == cudaDevAttrComputeCapabilityMinor)
        *value = arch() % 10;
    if (attribute == cudaDevAttrPciBusId)
        *value = device + 1;
    return emu_return(attribute <= 0 || attribute > cudaDevAttrMax ? cudaErrorInvalidValue : cudaSuccess);
}

EXPORT cudaError_t cudaDeviceGetPCIBusId(char *text, int bytes, int device)
{
    ENTER;
    if (!is_device(device))
        return emu_return(cudaErrorInvalidDevice);
    return emu_return(snprintf(text, (size_t)bytes, "0000:%02x:00.0", device + 1) < bytes ? cudaSuccess
                                                                                          : cudaErrorInvalidValue);
}

EXPORT cudaError_t cudaDeviceGetByPCIBusId(int *device, const char *text)
{
    unsigned bus;
    ENTER;
    if (sscanf(text, "%*x:%x:", &bus) != 1 || !is_device((int)bus - 1))
        return emu_return(cudaErrorInvalidDevice);
    *device = (int)bus - 1;
    return cudaSuccess;
}
