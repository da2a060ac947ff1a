/* cudaMemcpy in all its forms: each becomes a Copy, which is checked against the table of allocations. */
#define _GNU_SOURCE
#include "allocation.h"
#include "output.h"
#include "report.h"
#include "stream.h"

size_t emu_reach(size_t width, size_t height, size_t depth, size_t pitch, size_t slice)
{
    return (depth - 1) * slice + (height - 1) * pitch + width;
}

bool emu_is_usable(uint64_t address, size_t bytes, bool must_be_device, const char *role, const char *name)
{
    Allocation found;
    char words[500];
    bool is_known = emu_find(address, &found);
    if (is_known && !found.freed && bytes <= found.high - address)
        return true;
    if (!is_known && !(address & EMU_DEVICE_BIT) && address >= 4096 && !must_be_device)
        return true;    /* ordinary host memory */
    emu_describe(address, words, sizeof words);
    if (is_known && found.freed)
        emu_say("error", "%s: the %s %#lx is freed memory: %s", name, role, address, words);
    else if (is_known)
        emu_say("error", "%s: %zu bytes at the %s %#lx run past its end: %s", name, bytes, role, address, words);
    else
        emu_say("error", "%s: the %s %#lx is no %s pointer: %s", name, role, address,
                must_be_device ? "device" : "valid", words);
    return false;
}

/* Whether the host may not reach the address: then a copy that calls it a host pointer is wrong. */
static bool is_device_only(uint64_t address, const char *role, const char *name)
{
    if (!(address & EMU_DEVICE_BIT))
        return false;
    emu_say("error", "%s: the %s %#lx is a device pointer, but the copy's direction says that it is the host's", name,
            role, address);
    return true;
}

cudaError_t emu_copy(const Copy *copy, const char *name)
{
    if (copy->width == 0 || copy->height == 0 || copy->depth == 0)
        return cudaSuccess;
    if ((unsigned)copy->kind > cudaMemcpyDefault)
        return cudaErrorInvalidMemcpyDirection;
    if (copy->height > 1 && (copy->width > copy->to_pitch || copy->width > copy->from_pitch))
        return cudaErrorInvalidPitchValue;
    bool to_device = copy->kind == cudaMemcpyHostToDevice || copy->kind == cudaMemcpyDeviceToDevice;
    bool from_device = copy->kind == cudaMemcpyDeviceToHost || copy->kind == cudaMemcpyDeviceToDevice;
    size_t to_bytes = emu_reach(copy->width, copy->height, copy->depth, copy->to_pitch, copy->to_slice);
    size_t from_bytes = emu_reach(copy->width, copy->height, copy->depth, copy->from_pitch, copy->from_slice);
    if (copy->kind != cudaMemcpyDefault && ((!to_device && is_device_only(copy->to, "destination", name)) ||
                                            (!from_device && is_device_only(copy->from, "source", name))))
        return cudaErrorInvalidValue;
    if (!emu_is_usable(copy->to, to_bytes, to_device, "destination", name) ||
        !emu_is_usable(copy->from, from_bytes, from_device, "source", name))
        return cudaErrorInvalidValue;
    for (size_t z = 0; z < copy->depth; z++)
        for (size_t y = 0; y < copy->height; y++)
            memmove((uint8_t *)emu_host(copy->to) + z * copy->to_slice + y * copy->to_pitch,
                    (const uint8_t *)emu_host(copy->from) + z * copy->from_slice + y * copy->from_pitch, copy->width);
    return cudaSuccess;
}

/* --- Copies ------------------------------------------------------------------------------------------------------- */

static cudaError_t copy(Copy made, cudaStream_t stream, bool is_waiting, const char *name)
{
    if (is_waiting)
        emu_output_flush();
    ENTER;
    return emu_return(emu_submit(stream, (Operation){.kind = DO_COPY, .copy = made}, name));
}

static Copy plain(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    return (Copy){.to = (uint64_t)(uintptr_t)to,
                  .from = (uint64_t)(uintptr_t)from,
                  .width = bytes,
                  .height = 1,
                  .depth = 1,
                  .kind = kind};
}

static Copy rows(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                 enum cudaMemcpyKind kind)
{
    Copy made = plain(to, from, width, kind);
    made.height = height;
    made.to_pitch = to_pitch;
    made.from_pitch = from_pitch;
    return made;
}

EXPORT cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    return copy(plain(to, from, bytes, kind), NULL, true, "cudaMemcpy");
}

EXPORT cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                                   cudaStream_t stream)
{
    return copy(plain(to, from, bytes, kind), stream, false, "cudaMemcpyAsync");
}

EXPORT cudaError_t cudaMemcpyPeer(void *to, int to_device, const void *from, int from_device, size_t bytes)
{
    (void)to_device, (void)from_device;
    return copy(plain(to, from, bytes, cudaMemcpyDeviceToDevice), NULL, true, "cudaMemcpyPeer");
}

EXPORT cudaError_t cudaMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device, size_t bytes,
                                       cudaStream_t stream)
{
    (void)to_device, (void)from_device;
    return copy(plain(to, from, bytes, cudaMemcpyDeviceToDevice), stream, false, "cudaMemcpyPeerAsync");
}

EXPORT cudaError_t cudaMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                                size_t height, enum cudaMemcpyKind kind)
{
    return copy(rows(to, to_pitch, from, from_pitch, width, height, kind), NULL, true, "cudaMemcpy2D");
}

EXPORT cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                                     size_t height, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    return copy(rows(to, to_pitch, from, from_pitch, width, height, kind), stream, false, "cudaMemcpy2DAsync");
}

EXPORT cudaError_t cudaMemcpy3D(const struct cudaMemcpy3DParms *p)
{
    Copy made;
    cudaError_t error = emu_copy_of_3d(&made, p);
    return error == cudaSuccess ? copy(made, NULL, true, "cudaMemcpy3D") : emu_return(error);
}

EXPORT cudaError_t cudaMemcpy3DAsync(const struct cudaMemcpy3DParms *p, cudaStream_t stream)
{
    Copy made;
    cudaError_t error = emu_copy_of_3d(&made, p);
    return error == cudaSuccess ? copy(made, stream, false, "cudaMemcpy3DAsync") : emu_return(error);
}

/* --- Symbols ------------------------------------------------------------------------------------------------------ */

static cudaError_t find_symbol(const void *symbol, size_t bytes, size_t offset, uint64_t *address)
{
    const EmuVariable *variable;
    cudaError_t error = emu_find_variable(symbol, &variable);
    if (error != cudaSuccess)
        return error;
    if (offset > variable->bytes || bytes > variable->bytes - offset) {
        emu_say("error", "%zu bytes at offset %zu run past the end of the variable %s of %lu bytes", bytes, offset,
                variable->name, variable->bytes);
        return cudaErrorInvalidValue;
    }
    uint64_t host = (uint64_t)(uintptr_t)variable->address;
    *address = (variable->kind == EMU_MANAGED_VARIABLE ? host : host | EMU_DEVICE_BIT) + offset;
    return cudaSuccess;
}

static cudaError_t copy_symbol(const void *symbol, void *other, size_t bytes, size_t offset, enum cudaMemcpyKind kind,
                               bool is_target, cudaStream_t stream, bool is_waiting, const char *name)
{
    uint64_t address = 0;
    cudaError_t error = find_symbol(symbol, bytes, offset, &address);
    if (error != cudaSuccess)
        return emu_return(error);
    void *place = (void *)(uintptr_t)address;
    return copy(is_target ? plain(place, other, bytes, kind) : plain(other, place, bytes, kind), stream, is_waiting,
                name);
}

EXPORT cudaError_t cudaMemcpyToSymbol(const void *symbol, const void *from, size_t bytes, size_t offset,
                                      enum cudaMemcpyKind kind)
{
    return copy_symbol(symbol, (void *)(uintptr_t)from, bytes, offset, kind, true, NULL, true, "cudaMemcpyToSymbol");
}

EXPORT cudaError_t cudaMemcpyFromSymbol(void *to, const void *symbol, size_t bytes, size_t offset,
                                        enum cudaMemcpyKind kind)
{
    return copy_symbol(symbol, to, bytes, offset, kind, false, NULL, true, "cudaMemcpyFromSymbol");
}

EXPORT cudaError_t cudaMemcpyToSymbolAsync(const void *symbol, const void *from, size_t bytes, size_t offset,
                                           enum cudaMemcpyKind kind, cudaStream_t stream)
{
    return copy_symbol(symbol, (void *)(uintptr_t)from, bytes, offset, kind, true, stream, false,
                       "cudaMemcpyToSymbolAsync");
}

EXPORT cudaError_t cudaMemcpyFromSymbolAsync(void *to, const void *symbol, size_t bytes, size_t offset,
                                             enum cudaMemcpyKind kind, cudaStream_t stream)
{
    return copy_symbol(symbol, to, bytes, offset, kind, false, stream, false, "cudaMemcpyFromSymbolAsync");
}

EXPORT cudaError_t cudaGetSymbolAddress(void **address, const void *symbol)
{
    ENTER;
    uint64_t found = 0;
    cudaError_t error = find_symbol(symbol, 0, 0, &found);
    *address = (void *)(uintptr_t)found;
    return emu_return(error);
}

EXPORT cudaError_t cudaGetSymbolSize(size_t *bytes, const void *symbol)
{
    ENTER;
    const EmuVariable *variable;
    cudaError_t error = emu_find_variable(symbol, &variable);
    if (error == cudaSuccess)
        *bytes = variable->bytes;
    return emu_return(error);
}
