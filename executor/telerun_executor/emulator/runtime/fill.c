/* cudaMemset in all its forms. */
#include "operation.h"
#include "stream.h"

cudaError_t emu_fill(const Fill *fill, const char *name)
{
    if (fill->width == 0 || fill->height == 0 || fill->depth == 0)
        return cudaSuccess;
    size_t row = fill->width * fill->element_bytes;
    if (!emu_is_usable(fill->to, emu_reach(row, fill->height, fill->depth, fill->pitch, fill->slice), true, "destination",
                   name))
        return cudaErrorInvalidValue;
    for (size_t z = 0; z < fill->depth; z++)
        for (size_t y = 0; y < fill->height; y++) {
            uint8_t *at = (uint8_t *)emu_host(fill->to) + z * fill->slice + y * fill->pitch;
            if (fill->element_bytes == 1)
                memset(at, (int)(fill->value & 0xff), fill->width);
            for (size_t x = 0; fill->element_bytes > 1 && x < fill->width; x++)
                memcpy(at + x * fill->element_bytes, &fill->value, fill->element_bytes);
        }
    return cudaSuccess;
}

static cudaError_t fill(Fill made, cudaStream_t stream, const char *name)
{
    ENTER;
    return emu_return(emu_submit(stream, (Operation){.kind = DO_FILL, .fill = made}, name));
}

static Fill bytes_of(void *to, size_t pitch, int value, size_t width, size_t height)
{
    return (Fill){.to = (uint64_t)(uintptr_t)to,
                  .width = width,
                  .height = height,
                  .depth = 1,
                  .pitch = pitch,
                  .value = (uint32_t)value,
                  .element_bytes = 1};
}

static Fill bytes_of_3d(struct cudaPitchedPtr to, int value, struct cudaExtent extent)
{
    Fill made = bytes_of(to.ptr, to.pitch, value, extent.width, extent.height);
    made.depth = extent.depth;
    made.slice = to.pitch * to.ysize;
    return made;
}

EXPORT cudaError_t cudaMemset(void *to, int value, size_t bytes)
{
    return fill(bytes_of(to, 0, value, bytes, 1), NULL, "cudaMemset");
}

EXPORT cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream)
{
    return fill(bytes_of(to, 0, value, bytes, 1), stream, "cudaMemsetAsync");
}

EXPORT cudaError_t cudaMemset2D(void *to, size_t pitch, int value, size_t width, size_t height)
{
    return fill(bytes_of(to, pitch, value, width, height), NULL, "cudaMemset2D");
}

EXPORT cudaError_t cudaMemset2DAsync(void *to, size_t pitch, int value, size_t width, size_t height,
                                     cudaStream_t stream)
{
    return fill(bytes_of(to, pitch, value, width, height), stream, "cudaMemset2DAsync");
}

EXPORT cudaError_t cudaMemset3D(struct cudaPitchedPtr to, int value, struct cudaExtent extent)
{
    return fill(bytes_of_3d(to, value, extent), NULL, "cudaMemset3D");
}

EXPORT cudaError_t cudaMemset3DAsync(struct cudaPitchedPtr to, int value, struct cudaExtent extent, cudaStream_t stream)
{
    return fill(bytes_of_3d(to, value, extent), stream, "cudaMemset3DAsync");
}
