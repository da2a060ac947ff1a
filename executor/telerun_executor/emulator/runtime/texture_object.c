/* cudaCreateTextureObject, cudaCreateSurfaceObject and what they stand for. */
#include <pthread.h>

#include "allocation.h"
#include "operation.h"
#include "report.h"
#include "texture.h"

#define MOST_IMAGES 4096u
#define PITCH_ALIGNMENT 32u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Image images[MOST_IMAGES];    /* handle n is at n % MOST_IMAGES; a handle is not used twice */

static Image *find(uint64_t handle)
{
    Image *found = &images[handle % MOST_IMAGES];
    return handle != 0 && found->handle == handle ? found : NULL;
}

static cudaError_t enter(uint64_t *handle, const Image *image)
{
    static uint64_t last;
    cudaError_t error = cudaErrorMemoryAllocation;
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < MOST_IMAGES && error != cudaSuccess; i++) {
        Image *place = &images[++last % MOST_IMAGES];
        if (last % MOST_IMAGES == 0 || place->handle != 0)
            continue;
        *place = *image;
        place->handle = *handle = last;
        error = cudaSuccess;
    }
    pthread_mutex_unlock(&lock);
    return error;
}

static cudaError_t leave(uint64_t handle, bool is_surface)
{
    pthread_mutex_lock(&lock);
    Image *found = find(handle);
    bool is_there = found != NULL && found->is_surface == is_surface;
    if (is_there)
        found->handle = 0;
    pthread_mutex_unlock(&lock);
    return is_there || handle == 0 ? cudaSuccess : cudaErrorInvalidValue;
}

static uint32_t channels_of(const struct cudaChannelFormatDesc *format)
{
    return (format->x != 0) + (format->y != 0) + (format->z != 0) + (format->w != 0);
}

static cudaError_t of_array(Image *image)
{
    const struct cudaArray *array = emu_array(image->resource.res.array.array);
    if (array == NULL)
        return cudaErrorInvalidValue;
    bool is_layered = array->flags & cudaArrayLayered;
    image->format = array->format;
    image->low = array->low;
    image->pitch = array->pitch;
    image->slice = array->slice;
    image->size[0] = (int64_t)array->extent.width;
    image->size[1] = (int64_t)array->extent.height;
    image->size[2] = is_layered ? 0 : (int64_t)array->extent.depth;
    image->layers = is_layered ? (int64_t)array->extent.depth : 0;
    return cudaSuccess;
}

static cudaError_t of_memory(Image *image, const void *memory, const struct cudaChannelFormatDesc *format, size_t width,
                             size_t height, size_t pitch, const char *name)
{
    image->format = *format;
    image->low = (uint64_t)(uintptr_t)memory;
    image->pitch = pitch;
    image->size[0] = (int64_t)width;
    image->size[1] = (int64_t)height;
    size_t bytes = emu_texel_bytes(format);
    if (bytes == 0 || width == 0)
        return cudaErrorInvalidValue;
    return emu_is_usable(image->low, emu_reach(width * bytes, height + (height == 0), 1, pitch, 0), true, "memory",
                         name)
               ? cudaSuccess
               : cudaErrorInvalidValue;
}

static cudaError_t of_resource(Image *image, const char *name)
{
    const struct cudaResourceDesc *resource = &image->resource;
    switch (resource->resType) {
    case cudaResourceTypeArray:
        return of_array(image);
    case cudaResourceTypeLinear: {
        size_t bytes = emu_texel_bytes(&resource->res.linear.desc);
        return of_memory(image, resource->res.linear.devPtr, &resource->res.linear.desc,
                         bytes == 0 ? 0 : resource->res.linear.sizeInBytes / bytes, 0, 0, name);
    }
    case cudaResourceTypePitch2D:
        if (resource->res.pitch2D.pitchInBytes % PITCH_ALIGNMENT != 0) {
            emu_say("error", "%s: a pitch of %zu bytes is no multiple of %u: cudaMallocPitch gives one that is", name,
                    resource->res.pitch2D.pitchInBytes, PITCH_ALIGNMENT);
            return cudaErrorInvalidValue;
        }
        return of_memory(image, resource->res.pitch2D.devPtr, &resource->res.pitch2D.desc, resource->res.pitch2D.width,
                         resource->res.pitch2D.height, resource->res.pitch2D.pitchInBytes, name);
    default:
        emu_say("error", "%s: mipmapped arrays are not emulated", name);
        return cudaErrorNotSupported;
    }
}

static void measure(Image *image)
{
    image->texel_bytes = emu_texel_bytes(&image->format);
    image->channels = channels_of(&image->format);
    image->axes = image->size[2] > 0 ? 3 : image->size[1] > 0 ? 2 : 1;
    for (int i = 0; i < 3; i++)
        image->size[i] += image->size[i] == 0;
}

static cudaError_t check_reading(const Image *image)
{
    const struct cudaTextureDesc *wanted = &image->texture;
    bool is_float = image->format.f == cudaChannelFormatKindFloat;
    if (wanted->readMode == cudaReadModeNormalizedFloat && !is_float && image->format.x == 32)
        return cudaErrorInvalidNormSetting;
    if (wanted->filterMode == cudaFilterModeLinear && !is_float && wanted->readMode == cudaReadModeElementType)
        return cudaErrorInvalidFilterSetting;
    if (wanted->sRGB) {
        emu_say("error", "cudaCreateTextureObject: sRGB textures are not emulated");
        return cudaErrorNotSupported;
    }
    return cudaSuccess;
}

EXPORT cudaError_t cudaCreateTextureObject(cudaTextureObject_t *texture, const struct cudaResourceDesc *resource,
                                           const struct cudaTextureDesc *wanted,
                                           const struct cudaResourceViewDesc *view)
{
    ENTER;
    if (texture == NULL || resource == NULL || wanted == NULL)
        return emu_return(cudaErrorInvalidValue);
    if (view != NULL) {
        emu_say("error", "cudaCreateTextureObject: resource views are not emulated");
        return emu_return(cudaErrorNotSupported);
    }
    Image image = {.resource = *resource, .texture = *wanted};
    uint64_t handle = 0;
    cudaError_t error = of_resource(&image, "cudaCreateTextureObject");
    if (error == cudaSuccess)
        error = check_reading(&image);
    if (error == cudaSuccess) {
        measure(&image);
        error = enter(&handle, &image);
        *texture = handle;
    }
    return emu_return(error);
}

EXPORT cudaError_t cudaCreateSurfaceObject(cudaSurfaceObject_t *surface, const struct cudaResourceDesc *resource)
{
    ENTER;
    if (surface == NULL || resource == NULL || resource->resType != cudaResourceTypeArray)
        return emu_return(cudaErrorInvalidValue);
    const struct cudaArray *array = emu_array(resource->res.array.array);
    if (array == NULL || !(array->flags & cudaArraySurfaceLoadStore)) {
        emu_say("error", "cudaCreateSurfaceObject: %s",
                array == NULL ? "the array is none, or was freed" : "the array was made without cudaArraySurfaceLoadStore");
        return emu_return(cudaErrorInvalidValue);
    }
    Image image = {.is_surface = true, .resource = *resource};
    uint64_t handle = 0;
    of_array(&image);
    measure(&image);
    cudaError_t error = enter(&handle, &image);
    *surface = handle;
    return emu_return(error);
}

EXPORT cudaError_t cudaDestroyTextureObject(cudaTextureObject_t texture)
{
    ENTER;
    return emu_return(leave(texture, false));
}

EXPORT cudaError_t cudaDestroySurfaceObject(cudaSurfaceObject_t surface)
{
    ENTER;
    return emu_return(leave(surface, true));
}

EXPORT cudaError_t cudaGetTextureObjectResourceDesc(struct cudaResourceDesc *resource, cudaTextureObject_t texture)
{
    ENTER;
    const Image *image = find(texture);
    if (image == NULL)
        return emu_return(cudaErrorInvalidValue);
    *resource = image->resource;
    return cudaSuccess;
}

EXPORT cudaError_t cudaGetSurfaceObjectResourceDesc(struct cudaResourceDesc *resource, cudaSurfaceObject_t surface)
{
    return cudaGetTextureObjectResourceDesc(resource, surface);
}

EXPORT cudaError_t cudaGetTextureObjectTextureDesc(struct cudaTextureDesc *wanted, cudaTextureObject_t texture)
{
    ENTER;
    const Image *image = find(texture);
    if (image == NULL || image->is_surface)
        return emu_return(cudaErrorInvalidValue);
    *wanted = image->texture;
    return cudaSuccess;
}

const Image *emu_image(EmuThread *t, uint64_t handle, bool is_surface, uint32_t axes, bool is_layered, uint32_t site)
{
    const char *noun = is_surface ? "surface" : "texture";
    const Image *found = find(handle);
    if (found == NULL || found->is_surface != is_surface)
        emu_fault(emu_thread(t), site, cudaErrorIllegalAddress, "%#lx is no %s object, or was destroyed", handle, noun);
    if (axes > found->axes || is_layered != (found->layers > 0))
        emu_fault(emu_thread(t), site, cudaErrorIllegalAddress,
                  "a read or write of %u dimensions%s of a %s that has %u%s", axes, is_layered ? " and a layer" : "",
                  noun, found->axes, found->layers > 0 ? " and layers" : "");
    return found;
}
