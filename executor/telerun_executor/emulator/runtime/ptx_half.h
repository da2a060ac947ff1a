/* Formats smaller than f32, kept as their bits: f16, bf16, tf32, e4m3, e5m2, and pairs of them.
 *
 * Everything is computed in double and rounded once. Sums that a double cannot hold are rounded to odd there, which makes
 * the second rounding exact. A NaN result is always the canonical one.
 */
#ifndef TELERUN_PTX_HALF_H
#define TELERUN_PTX_HALF_H

enum { PTX_rn, PTX_rz, PTX_rm, PTX_rp, PTX_rna };

typedef struct PtxFormat {
    int bias, fraction, sign;    /* exponent bias, bits of the fraction, place of the sign */
    uint32_t greatest, nan;      /* the greatest finite number and the canonical NaN; greatest + 1 is infinity */
} PtxFormat;
#define PTX_F16 ((PtxFormat){15, 10, 15, 0x7bff, 0x7fff})
#define PTX_BF16 ((PtxFormat){127, 7, 15, 0x7f7f, 0x7fff})
#define PTX_TF32 ((PtxFormat){127, 10, 18, 0x3fbff, 0x3ffff})
#define PTX_E4M3 ((PtxFormat){7, 3, 7, 0x7e, 0x7f})
#define PTX_E5M2 ((PtxFormat){15, 2, 7, 0x7b, 0x7f})

/* Not inlined: there is one in every instruction, and gcc would take seconds for what a call does in a nanosecond. */
#define PTX_ONCE static __attribute__((noinline, const, unused))

EMU_INLINE uint32_t ptx_narrow(double x, PtxFormat format, int rounding, _Bool finite)
{
    uint64_t bits = ptx_bits_f64(x), size = bits & INT64_MAX;
    uint32_t negative = (uint32_t)(bits >> 63), sign = negative << format.sign, found;
    if (x != x)
        return format.nan;
    int exponent = (int)(size >> 52) - 1023, drop = 52 - format.fraction;
    uint64_t significand = (size & 0xfffffffffffff) | (size >> 52 ? (uint64_t)1 << 52 : 0);
    _Bool normal = exponent >= 1 - format.bias;
    if (size >> 52 == 2047) {
        found = format.greatest + 1;
        rounding = PTX_rn;
    } else {
        if (!normal)
            drop += 1 - format.bias - exponent;
        drop = drop > 54 ? 54 : drop;
        uint64_t kept = significand >> drop, rest = significand & (((uint64_t)1 << drop) - 1), half = (uint64_t)1 << (drop - 1);
        _Bool up = rounding == PTX_rn    ? rest > half || (rest == half && (kept & 1))
                   : rounding == PTX_rna ? rest >= half
                   : rounding == PTX_rm  ? negative && rest
                                         : rounding == PTX_rp && !negative && rest;
        uint64_t all = kept + up + (normal ? (uint64_t)(exponent + format.bias - 1) << format.fraction : 0);
        found = all > format.greatest ? format.greatest + 1 : (uint32_t)all;
    }
    if (found > format.greatest
        && (finite || rounding == PTX_rz || (rounding == PTX_rm && !negative) || (rounding == PTX_rp && negative)))
        found = format.greatest;
    return sign | found;
}
PTX_ONCE uint16_t ptx_to_f16(double x, int rounding, _Bool finite) { return (uint16_t)ptx_narrow(x, PTX_F16, rounding, finite); }
PTX_ONCE uint16_t ptx_to_bf16(double x, int rounding, _Bool finite) { return (uint16_t)ptx_narrow(x, PTX_BF16, rounding, finite); }
PTX_ONCE uint32_t ptx_to_tf32(double x, int rounding, _Bool finite)
{
    return x != x ? 0x7fffffff : ptx_narrow(x, PTX_TF32, rounding, finite) << 13;
}
PTX_ONCE uint8_t ptx_to_e4m3(double x, int rounding, _Bool finite) { return (uint8_t)ptx_narrow(x, PTX_E4M3, rounding, finite); }
PTX_ONCE uint8_t ptx_to_e5m2(double x, int rounding, _Bool finite) { return (uint8_t)ptx_narrow(x, PTX_E5M2, rounding, finite); }

#ifdef __F16C__
EMU_INLINE double ptx_from_f16(uint16_t h)
{
    typedef short Halves __attribute__((vector_size(16)));
    return __builtin_ia32_vcvtph2ps((Halves){(short)h})[0];
}
#else
EMU_INLINE double ptx_from_f16(uint16_t h)
{
    double size = ptx_f64((uint64_t)(h & 0x7fff) << 42) * 0x1p1008;
    if ((h & 0x7c00) == 0x7c00)
        size = h & 0x3ff ? __builtin_nan("") : __builtin_inf();
    return h & 0x8000 ? -size : size;
}
#endif
EMU_INLINE double ptx_from_bf16(uint16_t h) { return ptx_f32((uint32_t)h << 16); }
EMU_INLINE double ptx_from_e5m2(uint8_t x) { return ptx_from_f16((uint16_t)(x << 8)); }
EMU_INLINE double ptx_from_e4m3(uint8_t x)
{
    double size = ptx_f64((uint64_t)(x & 0x7f) << 49) * 0x1p1016;
    if ((x & 0x7f) == 0x7f)
        size = __builtin_nan("");
    return x & 0x80 ? -size : size;
}

/* a + b, rounded to odd: inexact sums get a last bit of 1, so that they are never taken for a tie. */
EMU_INLINE double ptx_odd_sum(double a, double b)
{
    double sum = a + b, part = sum - a, error = (a - (sum - part)) + (b - part);
    uint64_t bits = ptx_bits_f64(sum);
    if (error == 0 || error != error || (bits & 1))
        return sum;
    return ptx_f64((error > 0) == (sum > 0) ? bits + 1 : bits - 1);
}
EMU_INLINE double ptx_odd_s64(int64_t x)     /* an integer that a double may not hold, rounded to odd */
{
    return ptx_odd_sum((double)(x >> 32) * 0x1p32, (double)(x & 0xffffffff));
}
EMU_INLINE double ptx_odd_u64(uint64_t x) { return ptx_odd_sum((double)(x >> 32) * 0x1p32, (double)(x & 0xffffffff)); }

#define PTX_LOW(x) ((uint16_t)(x))
#define PTX_HIGH(x) ((uint16_t)((x) >> 16))
#define PTX_ONE(name, T, expression)                                                                                           \
    EMU_INLINE uint16_t ptx_##name##_##T(uint16_t a) { return (uint16_t)(expression); }                                        \
    EMU_INLINE uint32_t ptx_##name##_##T##x2(uint32_t a)                                                                       \
    {                                                                                                                          \
        return PTX_PAIR(ptx_##name##_##T(PTX_LOW(a)), ptx_##name##_##T(PTX_HIGH(a)));                                          \
    }
#define PTX_TWO(name, T, expression)                                                                                           \
    EMU_INLINE uint16_t ptx_##name##_##T(uint16_t a, uint16_t b) { return (uint16_t)(expression); }                            \
    EMU_INLINE uint32_t ptx_##name##_##T##x2(uint32_t a, uint32_t b)                                                           \
    {                                                                                                                          \
        return PTX_PAIR(ptx_##name##_##T(PTX_LOW(a), PTX_LOW(b)), ptx_##name##_##T(PTX_HIGH(a), PTX_HIGH(b)));                 \
    }
#define PTX_THREE(name, T, expression)                                                                                         \
    EMU_INLINE uint16_t ptx_##name##_##T(uint16_t a, uint16_t b, uint16_t c) { return (uint16_t)(expression); }                \
    EMU_INLINE uint32_t ptx_##name##_##T##x2(uint32_t a, uint32_t b, uint32_t c)                                               \
    {                                                                                                                          \
        return PTX_PAIR(ptx_##name##_##T(PTX_LOW(a), PTX_LOW(b), PTX_LOW(c)),                                                  \
                        ptx_##name##_##T(PTX_HIGH(a), PTX_HIGH(b), PTX_HIGH(c)));                                              \
    }
#define PTX_HALF_ARITHMETIC(T, exponent, one)                                                                                  \
    EMU_INLINE _Bool ptx_nan_##T(uint16_t a) { return (a & 0x7fff) > exponent; }                                               \
    PTX_ONE(ftz, T, a & exponent ? a : a & 0x8000)                                                                             \
    PTX_ONE(sat, T, ptx_nan_##T(a) || (a & 0x8000) ? 0 : a > one ? one : a)                                                    \
    PTX_ONE(relu, T, ptx_nan_##T(a) ? 0x7fff : a & 0x8000 ? 0 : a)                                                             \
    PTX_ONE(neg, T, a ^ 0x8000)                                                                                                \
    PTX_ONE(abs, T, a & 0x7fff)                                                                                                \
    PTX_ONE(ex2, T, ptx_to_##T(exp2(ptx_from_##T(a)), PTX_rn, 0))                                                              \
    PTX_ONE(tanh, T, ptx_to_##T(tanh(ptx_from_##T(a)), PTX_rn, 0))                                                             \
    PTX_TWO(add, T, ptx_to_##T(ptx_odd_sum(ptx_from_##T(a), ptx_from_##T(b)), PTX_rn, 0))                                      \
    PTX_TWO(sub, T, ptx_to_##T(ptx_odd_sum(ptx_from_##T(a), -ptx_from_##T(b)), PTX_rn, 0))                                     \
    PTX_TWO(mul, T, ptx_to_##T(ptx_from_##T(a) * ptx_from_##T(b), PTX_rn, 0))                                                  \
    PTX_THREE(fma, T, ptx_to_##T(ptx_odd_sum(ptx_from_##T(a) * ptx_from_##T(b), ptx_from_##T(c)), PTX_rn, 0))                  \
    PTX_TWO(min, T, ptx_nan_##T(a) ? (ptx_nan_##T(b) ? 0x7fff : b)                                                             \
                    : ptx_nan_##T(b) || ptx_order(a) < ptx_order(b) ? a : b)                                                   \
    PTX_TWO(max, T, ptx_nan_##T(a) ? (ptx_nan_##T(b) ? 0x7fff : b)                                                             \
                    : ptx_nan_##T(b) || ptx_order(a) > ptx_order(b) ? a : b)                                                   \
    PTX_TWO(minNaN, T, ptx_nan_##T(a) || ptx_nan_##T(b) ? 0x7fff : ptx_min_##T(a, b))                                          \
    PTX_TWO(maxNaN, T, ptx_nan_##T(a) || ptx_nan_##T(b) ? 0x7fff : ptx_max_##T(a, b))                                          \
    PTX_THREE(xorsign, T, ptx_nan_##T(a) ? 0x7fff : (a & 0x7fff) | ((b ^ c) & 0x8000))

double exp2(double);
double tanh(double);
/* Places a number of either format on a line, -0 before +0. */
EMU_INLINE int32_t ptx_order(uint16_t a) { return a & 0x8000 ? -(int32_t)(a & 0x7fff) - 1 : a; }
PTX_HALF_ARITHMETIC(f16, 0x7c00, 0x3c00)
PTX_HALF_ARITHMETIC(bf16, 0x7f80, 0x3f80)

/* cvt between two halves of a register and two bytes */
EMU_INLINE uint32_t ptx_f16x2_e4m3x2(uint16_t a)
{
    return PTX_PAIR(ptx_to_f16(ptx_from_e4m3((uint8_t)a), PTX_rn, 0), ptx_to_f16(ptx_from_e4m3((uint8_t)(a >> 8)), PTX_rn, 0));
}
EMU_INLINE uint32_t ptx_f16x2_e5m2x2(uint16_t a)
{
    return PTX_PAIR(ptx_to_f16(ptx_from_e5m2((uint8_t)a), PTX_rn, 0), ptx_to_f16(ptx_from_e5m2((uint8_t)(a >> 8)), PTX_rn, 0));
}
EMU_INLINE double ptx_relu_f64(double x) { return x <= 0 ? 0 : x; }    /* keeps a NaN */

#endif
