/* Copies to and from CUDA arrays. */
#include "array.h"
#include "operation.h"
#include "output.h"
#include "report.h"

/* One side of a copy; offsets and widths in bytes. */
typedef struct Side {
    uint64_t at;
    size_t pitch, slice;
} Side;

static Side plain_side(const void *memory, size_t pitch)
{
    return (Side){.at = (uint64_t)(uintptr_t)memory, .pitch = pitch};
}

/* False where the copy would leave the array: then it says so. */
static bool array_side(Side *side, cudaArray_const_t handle, struct cudaPos at, struct cudaExtent copied,
                       const char *name)
{
    const struct cudaArray *array = emu_array(handle);
    if (array == NULL) {
        emu_say("error", "%s: %p is no array", name, (const void *)handle);
        return false;
    }
    size_t height = array->slice / array->pitch, depth = array->extent.depth + (array->extent.depth == 0);
    if (at.x + copied.width > array->pitch || at.y + copied.height > height || at.z + copied.depth > depth) {
        emu_say("error",
                "%s: %zu bytes in %zu rows and %zu slices at (%zu bytes, %zu, %zu) leave the array of %zu bytes in %zu "
                "rows and %zu slices",
                name, copied.width, copied.height, copied.depth, at.x, at.y, at.z, array->pitch, height, depth);
        return false;
    }
    *side = (Side){.at = array->low + at.z * array->slice + at.y * array->pitch + at.x,
                   .pitch = array->pitch,
                   .slice = array->slice};
    return true;
}

static cudaError_t copy(Side to, Side from, struct cudaExtent copied, enum cudaMemcpyKind kind, cudaStream_t stream,
                        const char *name)
{
    Copy made = {.to = to.at, .from = from.at, .width = copied.width, .height = copied.height, .depth = copied.depth,
                 .to_pitch = to.pitch, .from_pitch = from.pitch, .to_slice = to.slice, .from_slice = from.slice,
                 .kind = kind};
    return emu_return(emu_submit(stream, (Operation){.kind = DO_COPY, .copy = made}, name));
}

static cudaError_t copy_to(cudaArray_t to, size_t x, size_t y, const void *from, size_t pitch, size_t width,
                           size_t height, enum cudaMemcpyKind kind, cudaStream_t stream, const char *name)
{
    Side side;
    struct cudaExtent copied = (struct cudaExtent){width, height, 1};
    emu_output_flush();
    ENTER;
    if (!array_side(&side, to, (struct cudaPos){x, y, 0}, copied, name))
        return emu_return(cudaErrorInvalidValue);
    return copy(side, plain_side(from, pitch), copied, kind, stream, name);
}

static cudaError_t copy_from(void *to, size_t pitch, cudaArray_const_t from, size_t x, size_t y, size_t width,
                             size_t height, enum cudaMemcpyKind kind, cudaStream_t stream, const char *name)
{
    Side side;
    struct cudaExtent copied = (struct cudaExtent){width, height, 1};
    emu_output_flush();
    ENTER;
    if (!array_side(&side, from, (struct cudaPos){x, y, 0}, copied, name))
        return emu_return(cudaErrorInvalidValue);
    return copy(plain_side(to, pitch), side, copied, kind, stream, name);
}

EXPORT cudaError_t cudaMemcpy2DToArray(cudaArray_t to, size_t x, size_t y, const void *from, size_t pitch, size_t width,
                                       size_t height, enum cudaMemcpyKind kind)
{
    return copy_to(to, x, y, from, pitch, width, height, kind, NULL, "cudaMemcpy2DToArray");
}

EXPORT cudaError_t cudaMemcpy2DToArrayAsync(cudaArray_t to, size_t x, size_t y, const void *from, size_t pitch,
                                            size_t width, size_t height, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    return copy_to(to, x, y, from, pitch, width, height, kind, stream, "cudaMemcpy2DToArrayAsync");
}

EXPORT cudaError_t cudaMemcpy2DFromArray(void *to, size_t pitch, cudaArray_const_t from, size_t x, size_t y,
                                         size_t width, size_t height, enum cudaMemcpyKind kind)
{
    return copy_from(to, pitch, from, x, y, width, height, kind, NULL, "cudaMemcpy2DFromArray");
}

EXPORT cudaError_t cudaMemcpy2DFromArrayAsync(void *to, size_t pitch, cudaArray_const_t from, size_t x, size_t y,
                                              size_t width, size_t height, enum cudaMemcpyKind kind,
                                              cudaStream_t stream)
{
    return copy_from(to, pitch, from, x, y, width, height, kind, stream, "cudaMemcpy2DFromArrayAsync");
}

EXPORT cudaError_t cudaMemcpy2DArrayToArray(cudaArray_t to, size_t to_x, size_t to_y, cudaArray_const_t from,
                                            size_t from_x, size_t from_y, size_t width, size_t height,
                                            enum cudaMemcpyKind kind)
{
    Side side;
    ENTER;
    if (!array_side(&side, from, (struct cudaPos){from_x, from_y, 0}, (struct cudaExtent){width, height, 1},
                    "cudaMemcpy2DArrayToArray"))
        return emu_return(cudaErrorInvalidValue);
    return copy_to(to, to_x, to_y, (const void *)(uintptr_t)side.at, side.pitch, width, height, kind, NULL,
                   "cudaMemcpy2DArrayToArray");
}

/* The deprecated copies without rows: the bytes fill the array's rows one after another, and ours have no gaps. */
EXPORT cudaError_t cudaMemcpyToArray(cudaArray_t to, size_t x, size_t y, const void *from, size_t bytes,
                                     enum cudaMemcpyKind kind)
{
    const struct cudaArray *array = emu_array(to);
    if (array == NULL || y * array->pitch + x + bytes > array->slice)
        return emu_return(cudaErrorInvalidValue);
    return cudaMemcpy((void *)(uintptr_t)(array->low + y * array->pitch + x), from, bytes, kind);
}

EXPORT cudaError_t cudaMemcpyFromArray(void *to, cudaArray_const_t from, size_t x, size_t y, size_t bytes,
                                       enum cudaMemcpyKind kind)
{
    const struct cudaArray *array = emu_array(from);
    if (array == NULL || y * array->pitch + x + bytes > array->slice)
        return emu_return(cudaErrorInvalidValue);
    return cudaMemcpy(to, (const void *)(uintptr_t)(array->low + y * array->pitch + x), bytes, kind);
}

/* Where an array takes part, extents and the array's positions count texels; positions in plain memory count bytes. */
cudaError_t emu_copy_of_3d(Copy *made, const struct cudaMemcpy3DParms *p)
{
    const struct cudaArray *either = emu_array(p->dstArray != NULL ? p->dstArray : p->srcArray);
    size_t unit = either != NULL ? either->texel_bytes : 1;
    struct cudaExtent copied = (struct cudaExtent){p->extent.width * unit, p->extent.height, p->extent.depth};
    struct cudaPos to_at = p->dstPos, from_at = p->srcPos;
    Side to = plain_side(p->dstPtr.ptr, p->dstPtr.pitch), from = plain_side(p->srcPtr.ptr, p->srcPtr.pitch);
    to.slice = to.pitch * p->dstPtr.ysize;
    from.slice = from.pitch * p->srcPtr.ysize;
    to_at.x *= p->dstArray != NULL ? unit : 1;
    from_at.x *= p->srcArray != NULL ? unit : 1;
    if ((p->dstArray != NULL && !array_side(&to, p->dstArray, to_at, copied, "cudaMemcpy3D")) ||
        (p->srcArray != NULL && !array_side(&from, p->srcArray, from_at, copied, "cudaMemcpy3D")))
        return cudaErrorInvalidValue;
    if (p->dstArray == NULL)
        to.at += to_at.z * to.slice + to_at.y * to.pitch + to_at.x;
    if (p->srcArray == NULL)
        from.at += from_at.z * from.slice + from_at.y * from.pitch + from_at.x;
    *made = (Copy){.to = to.at, .from = from.at, .width = copied.width, .height = copied.height, .depth = copied.depth,
                   .to_pitch = to.pitch, .from_pitch = from.pitch, .to_slice = to.slice, .from_slice = from.slice,
                   .kind = p->kind};
    return cudaSuccess;
}
