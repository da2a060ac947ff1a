/* What texture and surface objects stand for. */
#ifndef TELERUN_TEXTURE_H
#define TELERUN_TEXTURE_H

#include "array.h"
#include "engine.h"

typedef struct Image {
    _Atomic uint64_t handle;            /* 0: this place is free */
    bool is_surface;
    struct cudaResourceDesc resource;
    struct cudaTextureDesc texture;     /* of a texture */
    struct cudaChannelFormatDesc format;
    uint64_t low;                       /* the first texel, a generic address */
    size_t texel_bytes, pitch, slice;
    int64_t size[3];                    /* in texels, at least 1 each */
    int64_t layers;                     /* 0 where there are none */
    uint32_t axes, channels;
} Image;

/* The object behind a handle. Ends the kernel where there is none, or none of `axes` coordinates. */
const Image *emu_image(EmuThread *t, uint64_t handle, bool is_surface, uint32_t axes, bool is_layered, uint32_t site);

#endif
