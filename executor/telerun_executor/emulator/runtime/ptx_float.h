/* What instructions on f32 and f64 compute. A NaN that an f32 instruction gives is 0x7fffffff, whatever went in: see
 * ptx_canonical_f32, which the translator puts where a value's bits can be seen. f64 keeps payloads, as x86 does. */
#ifndef TELERUN_PTX_FLOAT_H
#define TELERUN_PTX_FLOAT_H

float fmaf(float, float, float);
double fma(double, double, double);
float sqrtf(float);
double sqrt(double);
float sinf(float);
float cosf(float);
float log2f(float);
float exp2f(float);
float tanhf(float);
double rint(double);
double trunc(double);
double floor(double);
double ceil(double);

EMU_INLINE float ptx_f32(uint32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
EMU_INLINE uint32_t ptx_bits_f32(float x) { uint32_t bits; memcpy(&bits, &x, 4); return bits; }
EMU_INLINE double ptx_f64(uint64_t bits) { double x; memcpy(&x, &bits, 8); return x; }
EMU_INLINE uint64_t ptx_bits_f64(double x) { uint64_t bits; memcpy(&bits, &x, 8); return bits; }

EMU_INLINE float ptx_canonical_f32(float x) { return x != x ? ptx_f32(0x7fffffff) : x; }
EMU_INLINE float ptx_ftz_f32(float x) { return __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(0.0f, x) : x; }
EMU_INLINE float ptx_sat_f32(float x) { return x > 0 ? x < 1 ? x : 1.0f : 0.0f; }     /* a NaN becomes +0 */
EMU_INLINE double ptx_sat_f64(double x) { return x > 0 ? x < 1 ? x : 1.0 : 0.0; }

/* Directed rounding: the processor's own, set around one operation. `volatile` keeps the operation in its place. */
#if defined(__x86_64__)
enum { PTX_RN = 0x0000, PTX_RM = 0x2000, PTX_RP = 0x4000, PTX_RZ = 0x6000 };
EMU_INLINE uint32_t ptx_round(uint32_t mode)
{
    uint32_t before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr((before & ~0x6000u) | mode);
    return before;
}
EMU_INLINE void ptx_round_back(uint32_t before) { __builtin_ia32_ldmxcsr(before); }
#else
#include <fenv.h>
enum { PTX_RN = FE_TONEAREST, PTX_RM = FE_DOWNWARD, PTX_RP = FE_UPWARD, PTX_RZ = FE_TOWARDZERO };
EMU_INLINE uint32_t ptx_round(uint32_t mode) { int before = fegetround(); fesetround((int)mode); return (uint32_t)before; }
EMU_INLINE void ptx_round_back(uint32_t before) { fesetround((int)before); }
#endif

#define PTX_DIRECTED(name, R, D, C, expression)                                                                                \
    static __attribute__((unused, noinline)) D name(C a_, C b_, C c_)                                                          \
    {                                                                                                                          \
        volatile C va = a_, vb = b_, vc = c_;                                                                                  \
        uint32_t before = ptx_round(R);                                                                                        \
        C a = va, b = vb, c = vc;                                                                                              \
        (void)b, (void)c;                                                                                                      \
        volatile D result = (D)(expression);                                                                                   \
        ptx_round_back(before);                                                                                                \
        return result;                                                                                                         \
    }
#define PTX_ROUNDED(op, T, C, expression)                                                                                      \
    EMU_INLINE C ptx_##op##_rn_##T##_(C a, C b, C c) { (void)b, (void)c; return expression; }                                  \
    PTX_DIRECTED(ptx_##op##_rz_##T##_, PTX_RZ, C, C, expression)                                                               \
    PTX_DIRECTED(ptx_##op##_rm_##T##_, PTX_RM, C, C, expression)                                                               \
    PTX_DIRECTED(ptx_##op##_rp_##T##_, PTX_RP, C, C, expression)
#define PTX_ROUNDED_NAMES(op, T, C)                                                                                            \
    EMU_INLINE C ptx_##op##_rn_##T(C a, C b) { return ptx_##op##_rn_##T##_(a, b, 0); }                                         \
    EMU_INLINE C ptx_##op##_rz_##T(C a, C b) { return ptx_##op##_rz_##T##_(a, b, 0); }                                         \
    EMU_INLINE C ptx_##op##_rm_##T(C a, C b) { return ptx_##op##_rm_##T##_(a, b, 0); }                                         \
    EMU_INLINE C ptx_##op##_rp_##T(C a, C b) { return ptx_##op##_rp_##T##_(a, b, 0); }
#define PTX_FLOATING(T, C, FMA, SQRT)                                                                                          \
    PTX_ROUNDED(add, T, C, a + b) PTX_ROUNDED_NAMES(add, T, C)                                                                 \
    PTX_ROUNDED(sub, T, C, a - b) PTX_ROUNDED_NAMES(sub, T, C)                                                                 \
    PTX_ROUNDED(mul, T, C, a *b) PTX_ROUNDED_NAMES(mul, T, C)                                                                  \
    PTX_ROUNDED(div, T, C, a / b) PTX_ROUNDED_NAMES(div, T, C)                                                                 \
    PTX_ROUNDED(sqrt, T, C, SQRT(a)) PTX_ROUNDED_NAMES(sqrt, T, C)                                                             \
    PTX_ROUNDED(fma, T, C, FMA(a, b, c))                                                                                       \
    EMU_INLINE C ptx_fma_rn_##T(C a, C b, C c) { return ptx_fma_rn_##T##_(a, b, c); }                                          \
    EMU_INLINE C ptx_fma_rz_##T(C a, C b, C c) { return ptx_fma_rz_##T##_(a, b, c); }                                          \
    EMU_INLINE C ptx_fma_rm_##T(C a, C b, C c) { return ptx_fma_rm_##T##_(a, b, c); }                                          \
    EMU_INLINE C ptx_fma_rp_##T(C a, C b, C c) { return ptx_fma_rp_##T##_(a, b, c); }                                          \
    EMU_INLINE _Bool ptx_testp_finite_##T(C x) { return __builtin_isfinite(x); }                                               \
    EMU_INLINE _Bool ptx_testp_infinite_##T(C x) { return __builtin_isinf(x); }                                                \
    EMU_INLINE _Bool ptx_testp_number_##T(C x) { return x == x; }                                                              \
    EMU_INLINE _Bool ptx_testp_notanumber_##T(C x) { return x != x; }                                                          \
    EMU_INLINE _Bool ptx_testp_normal_##T(C x) { return __builtin_isnormal(x); }                                               \
    EMU_INLINE _Bool ptx_testp_subnormal_##T(C x) { return x != 0 && __builtin_isfinite(x) && !__builtin_isnormal(x); }
PTX_FLOATING(f32, float, __builtin_fmaf, __builtin_sqrtf)
PTX_FLOATING(f64, double, __builtin_fma, __builtin_sqrt)

/* Approximations are computed as well as we can. div.approx flushes quotients by very large divisors, as the manual says;
 * div.full scales and does not. */
EMU_INLINE float ptx_div_full_f32(float a, float b) { return a / b; }
EMU_INLINE float ptx_div_approx_f32(float a, float b)
{
    float size = __builtin_fabsf(b);
    if (size > 0x1p126f && size < __builtin_inff())
        return __builtin_isinf(a) ? __builtin_nanf("") : __builtin_copysignf(0.0f, a) * (b < 0 ? -1.0f : 1.0f);
    return a / b;
}
EMU_INLINE double ptx_upper_f64(double x) { return ptx_f64(ptx_bits_f64(x) & 0xffffffff00000000); }
EMU_INLINE double ptx_ftz_f64(double x) { return __builtin_fabs(x) < 0x1p-1022 ? __builtin_copysign(0.0, x) : x; }
EMU_INLINE double ptx_rcp_approx_f64(double x) { return ptx_ftz_f64(ptx_upper_f64(1.0 / ptx_ftz_f64(ptx_upper_f64(x)))); }
EMU_INLINE float ptx_rsqrt_f32(float x) { return x == 0 ? __builtin_copysignf(__builtin_inff(), x) : (float)(1.0 / __builtin_sqrt((double)x)); }
EMU_INLINE double ptx_rsqrt_f64(double x) { return x == 0 ? __builtin_copysign(__builtin_inf(), x) : 1.0 / __builtin_sqrt(x); }
EMU_INLINE double ptx_rsqrt_ftz_f64(double x) { return ptx_upper_f64(ptx_rsqrt_f64(ptx_ftz_f64(ptx_upper_f64(x)))); }
EMU_INLINE float ptx_sin_f32(float x) { return sinf(x); }
EMU_INLINE float ptx_cos_f32(float x) { return cosf(x); }
EMU_INLINE float ptx_lg2_f32(float x) { return log2f(x); }
EMU_INLINE float ptx_ex2_f32(float x) { return exp2f(x); }

/* min and max prefer a number to a NaN, and take -0 for less than +0; the NaN variants give NaN for NaN. */
#define PTX_PICK_FLOAT(name, T, C, relation, zero)                                                                             \
    EMU_INLINE C ptx_##name##_##T(C a, C b)                                                                                    \
    {                                                                                                                          \
        if (a == b)                                                                                                            \
            return (__builtin_signbit(a) != 0) == zero ? a : b;                                                                \
        return a relation b || b != b ? a : b;                                                                                 \
    }                                                                                                                          \
    EMU_INLINE C ptx_##name##NaN_##T(C a, C b) { return a != a ? a : b != b ? b : ptx_##name##_##T(a, b); }
PTX_PICK_FLOAT(min, f32, float, <, 1)
PTX_PICK_FLOAT(max, f32, float, >, 0)
PTX_PICK_FLOAT(min, f64, double, <, 1)
PTX_PICK_FLOAT(max, f64, double, >, 0)
EMU_INLINE float ptx_copysign_f32(float size, float sign) { return __builtin_copysignf(size, sign); }
EMU_INLINE double ptx_copysign_f64(double size, double sign) { return __builtin_copysign(size, sign); }
EMU_INLINE float ptx_xorsign_f32(float x, float a, float b)
{
    return x != x ? x : ptx_f32((ptx_bits_f32(x) & 0x7fffffff) | ((ptx_bits_f32(a) ^ ptx_bits_f32(b)) & 0x80000000));
}

/* To integers: rounded first (rni, rzi, rmi, rpi), then clamped. `nan` is what a NaN gives. */
#define PTX_TO_INTEGER(T, C, low, high, least, most)                                                                           \
    EMU_INLINE C ptx_to_##T(double x, C nan)                                                                                   \
    {                                                                                                                          \
        return x != x ? nan : x <= (low) ? (C)(least) : x >= (high) ? (C)(most) : (C)x;                                        \
    }
PTX_TO_INTEGER(s8, int8_t, -0x1p7, 0x1p7, INT8_MIN, INT8_MAX)
PTX_TO_INTEGER(s16, int16_t, -0x1p15, 0x1p15, INT16_MIN, INT16_MAX)
PTX_TO_INTEGER(s32, int32_t, -0x1p31, 0x1p31, INT32_MIN, INT32_MAX)
PTX_TO_INTEGER(s64, int64_t, -0x1p63, 0x1p63, INT64_MIN, INT64_MAX)
PTX_TO_INTEGER(u8, uint8_t, 0, 0x1p8, 0, UINT8_MAX)
PTX_TO_INTEGER(u16, uint16_t, 0, 0x1p16, 0, UINT16_MAX)
PTX_TO_INTEGER(u32, uint32_t, 0, 0x1p32, 0, UINT32_MAX)
PTX_TO_INTEGER(u64, uint64_t, 0, 0x1p64, 0, UINT64_MAX)

#define PTX_ROUNDED_CAST(from, F, to, D)                                                                                       \
    EMU_INLINE D ptx_##to##_rn_##from(F x) { return (D)x; }                                                                    \
    PTX_DIRECTED(ptx_##to##_rz_##from##_, PTX_RZ, D, F, a)                                                                     \
    PTX_DIRECTED(ptx_##to##_rm_##from##_, PTX_RM, D, F, a)                                                                     \
    PTX_DIRECTED(ptx_##to##_rp_##from##_, PTX_RP, D, F, a)                                                                     \
    EMU_INLINE D ptx_##to##_rz_##from(F x) { return ptx_##to##_rz_##from##_(x, 0, 0); }                                        \
    EMU_INLINE D ptx_##to##_rm_##from(F x) { return ptx_##to##_rm_##from##_(x, 0, 0); }                                        \
    EMU_INLINE D ptx_##to##_rp_##from(F x) { return ptx_##to##_rp_##from##_(x, 0, 0); }
PTX_ROUNDED_CAST(s64, int64_t, f32, float)
PTX_ROUNDED_CAST(s64, int64_t, f64, double)
PTX_ROUNDED_CAST(f64, double, f32, float)

/* A number above INT64_MAX is halved first; its last bit is kept so that it rounds the same way. */
EMU_INLINE int64_t ptx_halved(uint64_t x) { return (int64_t)(x >> 1 | (x & 1)); }
#define PTX_UNSIGNED_CAST(to, D, rnd)                                                                                          \
    EMU_INLINE D ptx_##to##_##rnd##_u64(uint64_t x)                                                                            \
    {                                                                                                                          \
        return x >> 63 ? ptx_##to##_##rnd##_s64(ptx_halved(x)) * 2 : ptx_##to##_##rnd##_s64((int64_t)x);                       \
    }
PTX_UNSIGNED_CAST(f32, float, rn)
PTX_UNSIGNED_CAST(f32, float, rz)
PTX_UNSIGNED_CAST(f32, float, rm)
PTX_UNSIGNED_CAST(f32, float, rp)
PTX_UNSIGNED_CAST(f64, double, rn)
PTX_UNSIGNED_CAST(f64, double, rz)
PTX_UNSIGNED_CAST(f64, double, rm)
PTX_UNSIGNED_CAST(f64, double, rp)

#endif
