/* CUDA arrays: memory that kernels reach through textures and surfaces only. Rows follow each other without gaps. */
#ifndef TELERUN_ARRAY_H
#define TELERUN_ARRAY_H

#include <stdint.h>

#include "error.h"

struct cudaArray {
    struct cudaChannelFormatDesc format;
    struct cudaExtent extent;           /* as it was asked for: 0 for axes that it does not have */
    unsigned flags;
    uint64_t low;                       /* of its memory, a generic address */
    size_t texel_bytes, pitch, slice;
    struct cudaArray *next;
};

/* The array behind a handle, NULL if there is none. */
const struct cudaArray *emu_array(cudaArray_const_t handle);

/* Bytes of a texel; 0 for formats that there are not. */
size_t emu_texel_bytes(const struct cudaChannelFormatDesc *format);

#endif
