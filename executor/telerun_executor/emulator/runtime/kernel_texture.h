/* Textures and surfaces, by the handles that the host made. `axes` is the number of coordinates besides the layer, which is -1
 * where there is none. A texel is four 32-bit words: channels that the texture does not have are zero. */
#ifndef TELERUN_KERNEL_TEXTURE_H
#define TELERUN_KERNEL_TEXTURE_H

/* tex with floating-point coordinates: filtered and addressed as the texture was described. */
void emu_texture(EmuThread *t, uint64_t texture, uint32_t axes, int64_t layer, const float *at, uint32_t texel[4],
                 uint32_t site);

/* tex with integer coordinates (tex1Dfetch): one texel as it is, zeros outside. */
void emu_texture_fetch(EmuThread *t, uint64_t texture, uint32_t axes, int64_t layer, const int32_t *at,
                       uint32_t texel[4], uint32_t site);

/* tld4: one channel of the four texels that a filter would mix, from (0,1) against the clock. */
void emu_texture_gather(EmuThread *t, uint64_t texture, uint32_t channel, const float *at, uint32_t texel[4],
                        uint32_t site);

/* suld, sust: where `bytes` at a place are, its first coordinate in bytes. NULL where it is outside and EMU_OUTSIDE_ZERO. */
enum { EMU_OUTSIDE_TRAP, EMU_OUTSIDE_CLAMP, EMU_OUTSIDE_ZERO };
void *emu_surface(EmuThread *t, uint64_t surface, uint32_t axes, int64_t layer, const int32_t *at, uint32_t bytes,
                  int outside, int access, uint32_t site);

#endif
