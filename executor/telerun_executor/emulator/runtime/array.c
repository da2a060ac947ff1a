/* cudaMallocArray and its kin. */
#include <pthread.h>
#include <stdlib.h>

#include "allocation.h"
#include "array.h"
#include "output.h"
#include "report.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cudaArray *arrays;

const struct cudaArray *emu_array(cudaArray_const_t handle)
{
    struct cudaArray *found;
    pthread_mutex_lock(&lock);
    for (found = arrays; found != NULL && found != handle; found = found->next) {
    }
    pthread_mutex_unlock(&lock);
    return found;
}

size_t emu_texel_bytes(const struct cudaChannelFormatDesc *format)
{
    int bits[] = {format->x, format->y, format->z, format->w}, channels = 0;
    bool is_known = format->f == cudaChannelFormatKindSigned || format->f == cudaChannelFormatKindUnsigned ||
                    (format->f == cudaChannelFormatKindFloat && format->x != 8);
    while (channels < 4 && bits[channels] != 0)
        if (bits[channels++] != format->x)
            return 0;
    if (!is_known || channels == 0 || channels == 3 || (format->x != 8 && format->x != 16 && format->x != 32))
        return 0;
    return (size_t)(channels * format->x / 8);
}

EXPORT struct cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w, enum cudaChannelFormatKind kind)
{
    return (struct cudaChannelFormatDesc){x, y, z, w, kind};
}

static size_t at_least_one(size_t count) { return count == 0 ? 1 : count; }

static cudaError_t make(cudaArray_t *array, const struct cudaChannelFormatDesc *format, struct cudaExtent extent,
                        unsigned flags, const char *name)
{
    ENTER;
    if (array == NULL || format == NULL || extent.width == 0 || emu_texel_bytes(format) == 0)
        return emu_return(cudaErrorInvalidValue);
    if (flags & ~(unsigned)(cudaArrayLayered | cudaArraySurfaceLoadStore | cudaArrayTextureGather)) {
        emu_say("error", "%s: cubemaps and sparse arrays are not emulated", name);
        return emu_return(cudaErrorNotSupported);
    }
    struct cudaArray *made = calloc(1, sizeof *made);
    if (made == NULL)
        return emu_return(cudaErrorMemoryAllocation);
    *made = (struct cudaArray){
        .format = *format, .extent = extent, .flags = flags, .texel_bytes = emu_texel_bytes(format)};
    made->pitch = extent.width * made->texel_bytes;
    made->slice = made->pitch * at_least_one(extent.height);
    made->low = emu_allocate(made->slice * at_least_one(extent.depth), DEVICE_MEMORY, name);
    if (made->low == 0) {
        free(made);
        return emu_return(cudaErrorMemoryAllocation);
    }
    pthread_mutex_lock(&lock);
    made->next = arrays;
    arrays = made;
    pthread_mutex_unlock(&lock);
    *array = made;
    return cudaSuccess;
}

EXPORT cudaError_t cudaMallocArray(cudaArray_t *array, const struct cudaChannelFormatDesc *format, size_t width,
                                   size_t height, unsigned flags)
{
    return make(array, format, (struct cudaExtent){width, height, 0}, flags, "cudaMallocArray");
}

EXPORT cudaError_t cudaMalloc3DArray(cudaArray_t *array, const struct cudaChannelFormatDesc *format,
                                     struct cudaExtent extent, unsigned flags)
{
    return make(array, format, extent, flags, "cudaMalloc3DArray");
}

EXPORT cudaError_t cudaFreeArray(cudaArray_t array)
{
    emu_output_flush();
    ENTER;
    if (array == NULL)
        return cudaSuccess;
    pthread_mutex_lock(&lock);
    struct cudaArray **link = &arrays;
    while (*link != NULL && *link != array)
        link = &(*link)->next;
    bool is_there = *link != NULL;
    if (is_there)
        *link = array->next;
    pthread_mutex_unlock(&lock);
    if (!is_there) {
        emu_say("error", "cudaFreeArray: %p is no array, or was freed before", (void *)array);
        return emu_return(cudaErrorInvalidValue);
    }
    emu_release(array->low, 1u << DEVICE_MEMORY);
    free(array);
    return cudaSuccess;
}

EXPORT cudaError_t cudaArrayGetInfo(struct cudaChannelFormatDesc *format, struct cudaExtent *extent, unsigned *flags,
                                    cudaArray_t handle)
{
    ENTER;
    const struct cudaArray *array = emu_array(handle);
    if (array == NULL)
        return emu_return(cudaErrorInvalidResourceHandle);
    if (format != NULL)
        *format = array->format;
    if (extent != NULL)
        *extent = array->extent;
    if (flags != NULL)
        *flags = array->flags;
    return cudaSuccess;
}

EXPORT cudaError_t cudaGetChannelDesc(struct cudaChannelFormatDesc *format, cudaArray_const_t array)
{
    return cudaArrayGetInfo(format, NULL, NULL, (cudaArray_t)(uintptr_t)array);
}
