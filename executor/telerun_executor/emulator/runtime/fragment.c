/* Matrices between memory and registers: wmma.load, wmma.store, ldmatrix, stmatrix, movmatrix. */
#include "allocation.h"
#include "fragment.h"
#include "meeting.h"

/* --- wmma.load and wmma.store ------------------------------------------------------------------------------------- */

typedef struct Fragment {
    uint32_t rows, columns, words, bits;
    EmuElement element;
} Fragment;

static Fragment fragment_of(const EmuMma *shape, int which)
{
    EmuElement element = which == 'a' ? shape->a : which == 'b' ? shape->b : which == 'c' ? shape->c : shape->d;
    uint32_t rows = which == 'b' ? shape->k : shape->m, columns = which == 'a' ? shape->k : shape->n;
    return (Fragment){rows, columns, emu_wmma_words(element, rows * columns, which == 'a' || which == 'b'),
                      emu_element_bits(element), element};
}

/* Where element `i` of this lane's fragment stands in memory, in bits. */
static uint64_t bit_offset(const Fragment *fragment, uint32_t lane, uint32_t i, bool column, uint32_t stride)
{
    Place at = emu_wmma_place(lane, i, fragment->rows, fragment->columns, fragment->words, fragment->element);
    return ((uint64_t)(column ? at.column : at.row) * stride + (column ? at.row : at.column)) * fragment->bits;
}

void emu_wmma_load(EmuThread *t, const EmuMma *shape, int which, bool column, uint32_t *words, uint64_t address,
                   uint32_t stride, uint32_t site)
{
    Fragment fragment = fragment_of(shape, which);
    emu_meet_all(t, NULL, NULL, site);
    memset(words, 0, 4 * fragment.words);
    for (uint32_t i = 0; i < fragment.words * 32 / fragment.bits; i++) {
        uint64_t at = bit_offset(&fragment, t->index % 32, i, column, stride);
        uint32_t bytes = fragment.bits < 8 ? 1 : fragment.bits / 8;
        const uint8_t *from = emu_checked_at(t, address + at / 8, bytes, EMU_LOAD, site);
        if (fragment.bits >= 8)
            memcpy((uint8_t *)words + i * bytes, from, bytes);
        else
            words[i * fragment.bits / 32] |= (*from >> at % 8 & ((1u << fragment.bits) - 1))
                                             << (i * fragment.bits % 32);
    }
}

void emu_wmma_store(EmuThread *t, const EmuMma *shape, bool column, const uint32_t *words, uint64_t address,
                    uint32_t stride, uint32_t site)
{
    Fragment fragment = fragment_of(shape, 'd');
    emu_meet_all(t, NULL, NULL, site);
    for (uint32_t i = 0; i < fragment.words * 32 / fragment.bits; i++) {
        uint64_t at = bit_offset(&fragment, t->index % 32, i, column, stride);
        uint32_t bytes = fragment.bits / 8;
        memcpy(emu_checked_at(t, address + at / 8, bytes, EMU_STORE, site), (const uint8_t *)words + i * bytes, bytes);
    }
    emu_meet_all(t, NULL, NULL, site);
}

/* --- ldmatrix, stmatrix, movmatrix: 8x8 matrices of 16-bit elements
 * -------------------------------------------- */

typedef struct Rows {
    uint8_t *row;          /* of this lane: host pointer to 16 bytes */
    uint32_t words[4];
    uint32_t count;
    bool transposed;
} Rows;

/* The lane's register of matrix `j` holds two elements: neighbours in a row, or in a column if transposed. */
static uint16_t *element(void *lanes[32], uint32_t j, uint32_t lane, uint32_t half, bool transposed)
{
    uint32_t row = transposed ? lane % 4 * 2 + half : lane / 4, column = transposed ? lane / 4 : lane % 4 * 2 + half;
    return (uint16_t *)((Rows *)lanes[8 * j + row])->row + column;
}

static void load_rows(uint32_t mask, void *lanes[32])
{
    const Rows *first = lanes[0];
    for (uint32_t lane = 0; mask == ALL_LANES && lane < 32; lane++)
        for (uint32_t j = 0; j < first->count; j++)
            ((Rows *)lanes[lane])->words[j] = *element(lanes, j, lane, 0, first->transposed) |
                                              (uint32_t)*element(lanes, j, lane, 1, first->transposed) << 16;
}

static void store_rows(uint32_t mask, void *lanes[32])
{
    const Rows *first = lanes[0];
    for (uint32_t lane = 0; mask == ALL_LANES && lane < 32; lane++)
        for (uint32_t j = 0; j < first->count; j++)
            for (uint32_t half = 0; half < 2; half++)
                *element(lanes, j, lane, half,
                         first->transposed) = (uint16_t)(((Rows *)lanes[lane])->words[j] >> 16 * half);
}

/* Only the first 8 * count lanes' addresses are used. */
static uint8_t *row_at(EmuThread *t, uint32_t count, uint64_t row, int access, uint32_t site)
{
    if (t->index % 32 >= 8 * count)
        return NULL;
    return emu_checked_at(t, emu_shared_generic(t, (uint32_t)row), 16, access, site);
}

void emu_ldmatrix(EmuThread *t, uint32_t count, bool transposed, uint32_t *d, uint64_t row, uint32_t site)
{
    Rows mine = {.row = row_at(t, count, row, EMU_LOAD, site), .count = count, .transposed = transposed};
    emu_meet_all(t, load_rows, &mine, site);
    memcpy(d, mine.words, 4 * count);
}

void emu_stmatrix(EmuThread *t, uint32_t count, bool transposed, const uint32_t *a, uint64_t row, uint32_t site)
{
    Rows mine = {.row = row_at(t, count, row, EMU_STORE, site), .count = count, .transposed = transposed};
    memcpy(mine.words, a, 4 * count);
    emu_meet_all(t, store_rows, &mine, site);
}

static void transpose(uint32_t mask, void *lanes[32])
{
    uint16_t matrix[8][8];
    for (uint32_t lane = 0; mask == ALL_LANES && lane < 32; lane++)
        for (uint32_t half = 0; half < 2; half++)
            matrix[lane / 4][lane % 4 * 2 + half] = (uint16_t)(*(uint32_t *)lanes[lane] >> 16 * half);
    for (uint32_t lane = 0; mask == ALL_LANES && lane < 32; lane++)
        *(uint32_t *)lanes[lane] = matrix[lane % 4 * 2][lane / 4] | (uint32_t)matrix[lane % 4 * 2 + 1][lane / 4] << 16;
}

uint32_t emu_movmatrix(EmuThread *t, uint32_t a, uint32_t site)
{
    emu_meet_all(t, transpose, &a, site);
    return a;
}
