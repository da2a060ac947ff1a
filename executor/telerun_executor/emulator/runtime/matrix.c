/* mma.sync and wmma.mma: the last lane of a warp to come computes for all.
 *
 * Products of floating-point elements are summed in double precision and rounded once, which is at least as exact as a
 * tensor core. Fragments of mma.sync have the layout that the PTX ISA lays down; those of wmma are opaque, so theirs is
 * simple: the lanes hold the elements in row-major order, one after another.
 */
#include <math.h>

#include "error.h"
#include "fragment.h"
#include "meeting.h"
#include "report.h"

#define MOST_M 32
#define MOST_N 32
#define MOST_K 256

/* --- Elements ----------------------------------------------------------------------------------------------------- */

uint32_t emu_element_bits(EmuElement element)
{
    static const uint8_t bits[] = {[EMU_F16] = 16, [EMU_BF16] = 16, [EMU_TF32] = 32, [EMU_F32] = 32, [EMU_F64] = 64,
                                   [EMU_S8] = 8,   [EMU_U8] = 8,    [EMU_S4] = 4,    [EMU_U4] = 4,   [EMU_B1] = 1,
                                   [EMU_S32] = 32, [EMU_E4M3] = 8,  [EMU_E5M2] = 8};
    return bits[element];
}

/* A small float: `exponent` and `mantissa` bits. e4m3 has no infinities: only its largest pattern is no number. */
static double small_float(uint32_t raw, int exponent_bits, int mantissa_bits)
{
    int bias = (1 << (exponent_bits - 1)) - 1, top = (1 << exponent_bits) - 1;
    int exponent = (int)(raw >> mantissa_bits) & top, mantissa = (int)raw & ((1 << mantissa_bits) - 1);
    double value;
    if (exponent_bits == 4 ? (exponent == top && mantissa == 7) : (exponent == top && mantissa != 0))
        value = NAN;
    else if (exponent_bits != 4 && exponent == top)
        value = INFINITY;
    else if (exponent == 0)
        value = ldexp(mantissa, 1 - bias - mantissa_bits);
    else
        value = ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
    return raw >> (exponent_bits + mantissa_bits) & 1 ? -value : value;
}

/* Element number `i` of a lane's registers, as a number that a double holds exactly. */
static double number_at(const uint32_t *words, uint32_t i, EmuElement element)
{
    uint32_t bits = emu_element_bits(element),
             raw = bits >= 32 ? words[i] : words[i * bits / 32] >> (i * bits % 32) & ((1u << bits) - 1);
    _Float16 half;
    uint16_t short_raw = (uint16_t)raw;
    float single;
    double wide;
    switch (element) {
    case EMU_F16:
        memcpy(&half, &short_raw, 2);
        return (double)half;
    case EMU_BF16:
        raw <<= 16;
        break;
    case EMU_TF32:
        raw &= 0xffffe000;    /* what a tensor core looks at */
        break;
    case EMU_F64:
        memcpy(&wide, &words[2 * i], 8);
        return wide;
    case EMU_S8:
        return (int8_t)raw;
    case EMU_S4:
        return (int32_t)(raw << 28) >> 28;
    case EMU_S32:
        return (int32_t)raw;
    case EMU_U8:
    case EMU_U4:
    case EMU_B1:
        return raw;
    case EMU_E4M3:
        return small_float(raw, 4, 3);
    case EMU_E5M2:
        return small_float(raw, 5, 2);
    case EMU_F32:
        break;
    }
    memcpy(&single, &raw, 4);
    return single;
}

static void put_number(uint32_t *words, uint32_t i, EmuElement element, double value, bool saturate)
{
    _Float16 half = (_Float16)value;
    float single = (float)value;
    uint16_t short_raw;
    int64_t whole;
    switch (element) {
    case EMU_F16:
        memcpy(&short_raw, &half, 2);
        short_raw = value != value ? 0x7fff : short_raw;    /* the one NaN that a tensor core gives */
        words[i / 2] = (words[i / 2] & ~(0xffffu << 16 * (i & 1))) | (uint32_t)short_raw << 16 * (i & 1);
        break;
    case EMU_F64:
        memcpy(&words[2 * i], &value, 8);
        break;
    case EMU_S32:
        whole = (int64_t)value;
        if (saturate)
            whole = whole > INT32_MAX ? INT32_MAX : whole < INT32_MIN ? INT32_MIN : whole;
        words[i] = (uint32_t)whole;
        break;
    default:
        memcpy(&words[i], &single, 4);
        if (value != value)
            words[i] = 0x7fffffff;
    }
}

/* --- D = A * B + C -------------------------------------------------------------------------------------------- */

typedef struct Product {
    const EmuMma *shape;
    uint32_t *d;
    const uint32_t *a, *b, *c;
} Product;

/* The place of element `i` of lane `lane`. */
typedef Place Layout(const EmuMma *shape, EmuElement element, uint32_t lane, uint32_t i);

/* PTX ISA, "Matrix Fragments for mma": a register of A holds neighbours of a row, registers alternate between the two
 * halves of rows. */
static Place mma_a(const EmuMma *shape, EmuElement element, uint32_t lane, uint32_t i)
{
    uint32_t bits = emu_element_bits(element), each = bits >= 32 ? 1 : 32 / bits, word = i / each;
    if (shape->m == 8)
        return (Place){lane / 4, lane % 4 * each + i % each + 4 * each * word};
    return (Place){lane / 4 + 8 * (word & 1), lane % 4 * each + i % each + 4 * each * (word >> 1)};
}

static Place mma_b(const EmuMma *shape, EmuElement element, uint32_t lane, uint32_t i)
{
    uint32_t bits = emu_element_bits(element), each = bits >= 32 ? 1 : 32 / bits;
    (void)shape;
    return (Place){lane % 4 * each + i % each + 4 * each * (i / each), lane / 4};
}

static Place mma_c(const EmuMma *shape, EmuElement element, uint32_t lane, uint32_t i)
{
    (void)shape, (void)element;
    return (Place){lane / 4 + 8 * (i >> 1), lane % 4 * 2 + (i & 1)};
}

/* m8n8k4 of f16: each quad pair (lanes 4q to 4q + 3 and 16 more) has matrices of its own, in any layout. */
static uint32_t lower_half(uint32_t lane) { return lane >= 16 ? 4 : 0; }

static Place quad_a(const EmuMma *shape, EmuElement element, uint32_t lane, uint32_t i)
{
    (void)element;
    return shape->a_column ? (Place){i + lower_half(lane), lane % 4} : (Place){lane % 4 + lower_half(lane), i};
}

static Place quad_b(const EmuMma *shape, EmuElement element, uint32_t lane, uint32_t i)
{
    (void)element;
    return shape->b_row ? (Place){lane % 4, i + lower_half(lane)} : (Place){i, lane % 4 + lower_half(lane)};
}

static Place quad_c(const EmuMma *shape, EmuElement element, uint32_t lane, uint32_t i)
{
    (void)shape;
    if (element == EMU_F16)
        return (Place){lane % 4 + lower_half(lane), i};
    return (Place){(lane & 1) + (i & 2) + lower_half(lane), (i & 4) + (lane & 2) + (i & 1)};
}

uint32_t emu_wmma_words(EmuElement element, uint32_t elements, bool is_multiplicand)
{
    if (element == EMU_F16 && is_multiplicand)
        return 8;
    return elements * emu_element_bits(element) / 32 / 32;
}

Place emu_wmma_place(uint32_t lane, uint32_t i, uint32_t rows, uint32_t columns, uint32_t words, EmuElement element)
{
    uint32_t per_lane = words * 32 / emu_element_bits(element), place = (lane * per_lane + i) % (rows * columns);
    return (Place){place / columns, place % columns};
}

static Place wmma_a(const EmuMma *shape, EmuElement element, uint32_t lane, uint32_t i)
{
    return emu_wmma_place(lane, i, shape->m, shape->k, emu_wmma_words(element, shape->m * shape->k, true), element);
}

static Place wmma_b(const EmuMma *shape, EmuElement element, uint32_t lane, uint32_t i)
{
    return emu_wmma_place(lane, i, shape->k, shape->n, emu_wmma_words(element, shape->k * shape->n, true), element);
}

static Place wmma_c(const EmuMma *shape, EmuElement element, uint32_t lane, uint32_t i)
{
    return emu_wmma_place(lane, i, shape->m, shape->n, emu_wmma_words(element, shape->m * shape->n, false), element);
}

/* The lanes of `members` hold one product's matrices. */
static void multiply(void *lanes[32], uint32_t members, Layout *a_layout, Layout *b_layout, Layout *c_layout, bool is_wmma)
{
    static _Thread_local double a[MOST_M][MOST_K], b[MOST_K][MOST_N],
        sum[MOST_M][MOST_N];    /* too large for a fiber's stack */
    const EmuMma *shape = ((Product *)lanes[0])->shape;
    uint32_t m = shape->m, n = shape->n, k = shape->k, share = (uint32_t)__builtin_popcount(members);
    uint32_t a_count = is_wmma ? emu_wmma_words(shape->a, m * k, true) * 32 / emu_element_bits(shape->a) : m * k / share;
    uint32_t b_count = is_wmma ? emu_wmma_words(shape->b, k * n, true) * 32 / emu_element_bits(shape->b) : k * n / share;
    uint32_t c_count = m * n / share;
    for (uint32_t lane = 0; lane < 32; lane++) {
        if (!(members >> lane & 1))
            continue;
        const Product *mine = lanes[lane];
        for (uint32_t i = 0; i < a_count; i++) {
            Place at = a_layout(shape, shape->a, lane, i);
            a[at.row][at.column] = number_at(mine->a, i, shape->a);
        }
        for (uint32_t i = 0; i < b_count; i++) {
            Place at = b_layout(shape, shape->b, lane, i);
            b[at.row][at.column] = number_at(mine->b, i, shape->b);
        }
        for (uint32_t i = 0; i < c_count; i++) {
            Place at = c_layout(shape, shape->c, lane, i);
            sum[at.row][at.column] = number_at(mine->c, i, shape->c);
        }
    }
    for (uint32_t row = 0; row < m; row++)
        for (uint32_t j = 0; j < k; j++) {
            double factor = a[row][j];
            if (shape->a == EMU_B1) {
                for (uint32_t column = 0; column < n; column++)
                    sum[row][column] += shape->and_popc ? (factor != 0 && b[j][column] != 0) : factor != b[j][column];
            } else if (shape->a == EMU_F64) {
                for (uint32_t column = 0; column < n; column++)
                    sum[row][column] = fma(factor, b[j][column], sum[row][column]);
            } else {
                for (uint32_t column = 0; column < n; column++)
                    sum[row][column] += factor * b[j][column];
            }
        }
    for (uint32_t lane = 0; lane < 32; lane++)
        for (uint32_t i = 0; i < c_count && (members >> lane & 1); i++) {
            Place at = c_layout(shape, shape->d, lane, i);
            put_number(((Product *)lanes[lane])->d, i, shape->d, sum[at.row][at.column], shape->saturate);
        }
}

static void run_mma(uint32_t mask, void *lanes[32])
{
    if (mask != ALL_LANES)
        return;
    const EmuMma *shape = ((Product *)lanes[0])->shape;
    if (shape->m == 8 && shape->a == EMU_F16)
        for (uint32_t quad = 0; quad < 4; quad++)
            multiply(lanes, 0x000f000fu << 4 * quad, quad_a, quad_b, quad_c, false);
    else
        multiply(lanes, ALL_LANES, mma_a, mma_b, mma_c, false);
}

static void run_wmma(uint32_t mask, void *lanes[32])
{
    if (mask == ALL_LANES)
        multiply(lanes, ALL_LANES, wmma_a, wmma_b, wmma_c, true);
}

void emu_meet_all(EmuThread *t, Collective *collective, void *mine, uint32_t site)
{
    Thread *thread = emu_thread(t);
    if (thread->home->warps[t->index / 32].live != ALL_LANES)
        emu_fault(thread, site, cudaErrorLaunchFailure,
                  "a matrix operation needs all 32 lanes of its warp, but there are only 0x%08x",
                  thread->home->warps[t->index / 32].live);
    emu_meet(t, ALL_LANES, collective, mine, site);
}

static void check_shape(EmuThread *t, const EmuMma *shape, bool is_mma, uint32_t site)
{
    bool is_known = shape->m <= MOST_M && shape->n <= MOST_N && shape->k <= MOST_K &&
                    (!is_mma || ((shape->m == 8 || shape->m == 16) && shape->n == 8));
    if (!is_known)
        emu_fault(emu_thread(t), site, cudaErrorNotSupported, "matrix operation m%un%uk%u is not emulated", shape->m,
                  shape->n, shape->k);
}

void emu_mma(EmuThread *t, const EmuMma *shape, uint32_t *d, const uint32_t *a, const uint32_t *b, const uint32_t *c,
             uint32_t site)
{
    Product mine = {shape, d, a, b, c};
    check_shape(t, shape, true, site);
    emu_meet_all(t, run_mma, &mine, site);
}

void emu_wmma(EmuThread *t, const EmuMma *shape, uint32_t *d, const uint32_t *a, const uint32_t *b, const uint32_t *c,
              uint32_t site)
{
    Product mine = {shape, d, a, b, c};
    check_shape(t, shape, false, site);
    emu_meet_all(t, run_wmma, &mine, site);
}
