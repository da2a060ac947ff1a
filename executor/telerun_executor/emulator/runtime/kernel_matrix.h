/* Matrix operations of a warp. Registers are passed as arrays of 32-bit words in PTX order; a 64-bit register is two words, low first. */
#ifndef TELERUN_KERNEL_MATRIX_H
#define TELERUN_KERNEL_MATRIX_H

typedef enum EmuElement {
    EMU_F16,
    EMU_BF16,
    EMU_TF32,
    EMU_F32,
    EMU_F64,
    EMU_S8,
    EMU_U8,
    EMU_S4,
    EMU_U4,
    EMU_B1,
    EMU_S32,
    EMU_E4M3,
    EMU_E5M2
} EmuElement;

/* mma.sync and wmma.mma. */
typedef struct EmuMma {
    uint32_t m, n, k;
    EmuElement a, b, c, d;
    bool a_column, b_row; /* layouts; mma.sync has row.col: both false */
    bool saturate; /* .satfinite */
    bool and_popc; /* b1: .and.popc, otherwise .xor.popc */
} EmuMma;

void emu_mma(EmuThread *t, const EmuMma *shape, uint32_t *d, const uint32_t *a, const uint32_t *b, const uint32_t *c,
             uint32_t site);
void emu_wmma(EmuThread *t, const EmuMma *shape, uint32_t *d, const uint32_t *a, const uint32_t *b, const uint32_t *c,
              uint32_t site);

/* wmma.load.{a,b,c} and wmma.store.d: `which` is 'a', 'b', 'c' or 'd'; address generic, `stride` in elements. Bounds are checked
 * inside. `shape` names m, n, k and the element type of the fragment (its field a, b, c or d). */
void emu_wmma_load(EmuThread *t, const EmuMma *shape, int which, bool column, uint32_t *fragment, uint64_t address,
                   uint32_t stride, uint32_t site);
void emu_wmma_store(EmuThread *t, const EmuMma *shape, bool column, const uint32_t *fragment, uint64_t address,
                    uint32_t stride, uint32_t site);

/* ldmatrix / stmatrix .m8n8.x{1,2,4}{.trans}.b16; `row` is this lane's shared-space offset. */
void emu_ldmatrix(EmuThread *t, uint32_t count, bool transposed, uint32_t *d, uint64_t row, uint32_t site);
void emu_stmatrix(EmuThread *t, uint32_t count, bool transposed, const uint32_t *a, uint64_t row, uint32_t site);
uint32_t emu_movmatrix(EmuThread *t, uint32_t a, uint32_t site); /* movmatrix.sync.aligned.m8n8.trans.b16 */

#endif
