/* How kernels read textures, and where surfaces lie. The formulas are those of the programming guide's "Texture Fetching";
 * weights of linear filtering have 8 bits of fraction, as on a GPU. */
#include <math.h>

#include "allocation.h"
#include "report.h"
#include "texture.h"

/* clang-format off: each needs the one before */
#include "ptx_integer.h"
#include "ptx_float.h"
#include "ptx_half.h"
/* clang-format on */

#define FARTHEST 1e9f    /* positions beyond are taken for this: so they can be counted */

typedef struct Texel {
    uint32_t word[4];
    float value[4];    /* where the texture gives floats */
} Texel;

static bool gives_floats(const Image *image)
{
    return image->format.f == cudaChannelFormatKindFloat || image->texture.readMode == cudaReadModeNormalizedFloat;
}

/* Which texel of an axis a number stands for; -1 for the border. */
static int64_t placed(int64_t number, int64_t size, enum cudaTextureAddressMode mode)
{
    int64_t twice = 2 * size;
    switch (mode) {
    case cudaAddressModeWrap:
        return (number % size + size) % size;
    case cudaAddressModeMirror:
        number = (number % twice + twice) % twice;
        return number < size ? number : twice - 1 - number;
    case cudaAddressModeBorder:
        return number < 0 || number >= size ? -1 : number;
    default:
        return number < 0 ? 0 : number >= size ? size - 1 : number;
    }
}

/* Wrapping and mirroring are for normalised coordinates alone. */
static enum cudaTextureAddressMode mode_of(const Image *image, uint32_t axis)
{
    enum cudaTextureAddressMode mode = image->texture.addressMode[axis];
    bool repeats = mode == cudaAddressModeWrap || mode == cudaAddressModeMirror;
    return repeats && !image->texture.normalizedCoords ? cudaAddressModeClamp : mode;
}

static void decode(const Image *image, const uint8_t *at, Texel *texel)
{
    bool is_signed = image->format.f == cudaChannelFormatKindSigned;
    for (uint32_t i = 0; i < image->channels; i++) {
        uint32_t word = 0, bits = (uint32_t)image->format.x;
        memcpy(&word, at + i * bits / 8, bits / 8);
        if (is_signed)
            word = (uint32_t)((int32_t)(word << (32 - bits)) >> (32 - bits));
        float value = image->format.f != cudaChannelFormatKindFloat
                          ? is_signed ? fmaxf((float)(int32_t)word / (float)((1u << (bits - 1)) - 1), -1)
                                      : (float)word / (float)((1ull << bits) - 1)
                      : bits == 16 ? (float)ptx_from_f16((uint16_t)word)
                                   : ptx_f32(word);
        texel->value[i] = value;
        texel->word[i] = gives_floats(image) ? ptx_bits_f32(value) : word;
    }
}

/* The texel at numbers that `placed` gave; a layer that there is not is the nearest. */
static Texel texel_at(EmuThread *t, const Image *image, const int64_t at[3], int64_t layer, uint32_t site)
{
    Texel texel = {0};
    if (at[0] < 0 || at[1] < 0 || at[2] < 0) {
        for (uint32_t i = 0; i < image->channels; i++) {
            texel.value[i] = image->texture.borderColor[i];
            texel.word[i] = gives_floats(image) ? ptx_bits_f32(texel.value[i]) : (uint32_t)(int64_t)texel.value[i];
        }
        return texel;
    }
    int64_t slice = image->layers > 0 ? placed(layer, image->layers, cudaAddressModeClamp) : at[2];
    uint64_t address = image->low + (uint64_t)slice * image->slice + (uint64_t)at[1] * image->pitch +
                       (uint64_t)at[0] * image->texel_bytes;
    decode(image, emu_checked_at(t, address, (uint32_t)image->texel_bytes, EMU_LOAD, site), &texel);
    return texel;
}

static float position(const Image *image, uint32_t axis, float at)
{
    at = image->texture.normalizedCoords ? at * (float)image->size[axis] : at;
    return at > -FARTHEST ? fminf(at, FARTHEST) : at <= -FARTHEST ? -FARTHEST : 0;    /* 0 for a NaN */
}

void emu_texture(EmuThread *t, uint64_t texture, uint32_t axes, int64_t layer, const float *at, uint32_t texel[4],
                 uint32_t site)
{
    const Image *image = emu_image(t, texture, false, axes, layer >= 0, site);
    bool is_linear = image->texture.filterMode == cudaFilterModeLinear;
    int64_t first[3] = {0}, number[3] = {0};
    float weight[3] = {0}, sum[4] = {0};
    for (uint32_t i = 0; i < axes; i++) {
        float place = position(image, i, at[i]) - (is_linear ? 0.5f : 0);
        first[i] = (int64_t)floorf(place);
        weight[i] = is_linear ? rintf((place - floorf(place)) * 256) / 256 : 0;
    }
    for (uint32_t corner = 0; corner < (is_linear ? 1u << axes : 1); corner++) {
        float share = 1;
        for (uint32_t i = 0; i < axes; i++) {
            bool is_next = corner >> i & 1;
            share *= is_next ? weight[i] : 1 - weight[i];
            number[i] = placed(first[i] + is_next, image->size[i], mode_of(image, i));
        }
        Texel found = texel_at(t, image, number, layer, site);
        if (!is_linear) {
            memcpy(texel, found.word, sizeof found.word);
            return;
        }
        for (uint32_t i = 0; i < image->channels; i++)
            sum[i] += share * found.value[i];
    }
    for (uint32_t i = 0; i < 4; i++)
        texel[i] = ptx_bits_f32(sum[i]);
}

void emu_texture_fetch(EmuThread *t, uint64_t texture, uint32_t axes, int64_t layer, const int32_t *at,
                       uint32_t texel[4], uint32_t site)
{
    const Image *image = emu_image(t, texture, false, axes, layer >= 0, site);
    int64_t number[3] = {0};
    memset(texel, 0, 4 * sizeof *texel);
    for (uint32_t i = 0; i < axes; i++)
        if ((number[i] = placed(at[i], image->size[i], cudaAddressModeBorder)) < 0)
            return;
    Texel found = texel_at(t, image, number, layer, site);
    memcpy(texel, found.word, sizeof found.word);
}

void emu_texture_gather(EmuThread *t, uint64_t texture, uint32_t channel, const float *at, uint32_t texel[4],
                        uint32_t site)
{
    static const uint8_t order[4][2] = {{0, 1}, {1, 1}, {1, 0}, {0, 0}};
    const Image *image = emu_image(t, texture, false, 2, false, site);
    for (uint32_t i = 0; i < 4; i++) {
        int64_t number[3] = {0};
        for (uint32_t axis = 0; axis < 2; axis++)
            number[axis] = placed((int64_t)floorf(position(image, axis, at[axis]) - 0.5f) + order[i][axis],
                                  image->size[axis], mode_of(image, axis));
        texel[i] = texel_at(t, image, number, 0, site).word[channel];
    }
}

void *emu_surface(EmuThread *t, uint64_t surface, uint32_t axes, int64_t layer, const int32_t *at, uint32_t bytes,
                  int outside, int access, uint32_t site)
{
    const Image *image = emu_image(t, surface, true, axes, layer >= 0, site);
    if (at[0] % (int32_t)bytes != 0)
        emu_fault(emu_thread(t), site, cudaErrorMisalignedAddress,
                  "misaligned surface access of %u bytes: its x counts bytes, and %d is no multiple of %u", bytes, at[0],
                  bytes);
    int64_t number[3] = {0}, row = (int64_t)image->pitch / bytes;
    for (uint32_t i = 0; i < axes; i++) {
        int64_t wanted = i == 0 ? at[0] / (int32_t)bytes : at[i], size = i == 0 ? row : image->size[i];
        number[i] = placed(wanted, size, outside == EMU_OUTSIDE_CLAMP ? cudaAddressModeClamp : cudaAddressModeBorder);
        if (number[i] < 0 && outside == EMU_OUTSIDE_ZERO)
            return NULL;
        if (number[i] < 0)
            emu_fault(emu_thread(t), site, cudaErrorLaunchFailure,
                      "surface access outside: %c is %d, and the surface has %ld%s", 'x' + (int)i, at[i],
                      i == 0 ? (int64_t)image->pitch : size, i == 0 ? " bytes in a row: x counts bytes" : "");
    }
    if (layer >= image->layers && layer >= 0) {
        if (outside == EMU_OUTSIDE_ZERO)
            return NULL;
        if (outside == EMU_OUTSIDE_TRAP)
            emu_fault(emu_thread(t), site, cudaErrorLaunchFailure, "surface access outside: layer %ld of %ld", layer,
                      image->layers);
    }
    int64_t slice = image->layers > 0 ? placed(layer, image->layers, cudaAddressModeClamp) : number[2];
    return emu_checked_at(t,
                          image->low + (uint64_t)slice * image->slice + (uint64_t)number[1] * image->pitch +
                              (uint64_t)number[0] * bytes,
                          bytes, access, site);
}
