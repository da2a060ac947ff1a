/* What integer instructions compute. Names are ptx_<instruction>_<type>, as in the table of instructions. */
#ifndef TELERUN_PTX_INTEGER_H
#define TELERUN_PTX_INTEGER_H

typedef unsigned __int128 ptx_u128;
typedef __int128 ptx_s128;

enum { PTX_lo = 0, PTX_hi = 16 };

EMU_INLINE int32_t ptx_clamp_s32(int64_t x) { return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : (int32_t)x; }
EMU_INLINE int32_t ptx_add_sat_s32(int32_t a, int32_t b) { return ptx_clamp_s32((int64_t)a + b); }
EMU_INLINE int32_t ptx_sub_sat_s32(int32_t a, int32_t b) { return ptx_clamp_s32((int64_t)a - b); }
EMU_INLINE int32_t ptx_relu_s32(int32_t a) { return a < 0 ? 0 : a; }

/* type, unsigned of its width, its double width, bits */
#define PTX_INTEGER(T, C, U, W, N)                                                                                             \
    EMU_INLINE C ptx_mul_lo_##T(C a, C b) { return (C)((U)a * (U)b); }                                                         \
    EMU_INLINE C ptx_mul_hi_##T(C a, C b) { return (C)(((W)a * (W)b) >> N); }                                                  \
    EMU_INLINE W ptx_mul_wide_##T(C a, C b) { return (W)a * (W)b; }                                                            \
    EMU_INLINE C ptx_sad_##T(C a, C b, C c) { return (C)((U)c + (a < b ? (U)b - (U)a : (U)a - (U)b)); }
PTX_INTEGER(u16, uint16_t, uint32_t, uint32_t, 16)
PTX_INTEGER(s16, int16_t, uint32_t, int32_t, 16)
PTX_INTEGER(u32, uint32_t, uint32_t, uint64_t, 32)
PTX_INTEGER(s32, int32_t, uint32_t, int64_t, 32)
PTX_INTEGER(u64, uint64_t, uint64_t, ptx_u128, 64)
PTX_INTEGER(s64, int64_t, uint64_t, ptx_s128, 64)

/* Division by zero gives all ones, as GPUs do; the remainder is then the dividend. The least number by -1 wraps. */
#define PTX_DIVIDE(T, C, minus_one)                                                                                            \
    EMU_INLINE C ptx_div_##T(C a, C b) { return b == 0 ? (C)-1 : (minus_one) ? (C)(0 - a) : (C)(a / b); }                      \
    EMU_INLINE C ptx_rem_##T(C a, C b) { return b == 0 ? a : (minus_one) ? (C)0 : (C)(a % b); }
PTX_DIVIDE(u16, uint16_t, 0)
PTX_DIVIDE(u32, uint32_t, 0)
PTX_DIVIDE(u64, uint64_t, 0)
PTX_DIVIDE(s16, int16_t, b == -1)
PTX_DIVIDE(s32, int32_t, b == -1)
PTX_DIVIDE(s64, int64_t, b == -1)

#define PTX_CARRY(T, C, U)                                                                                                     \
    EMU_INLINE C ptx_add_cc_##T(C a, C b, _Bool in, _Bool *out)                                                                \
    {                                                                                                                          \
        U sum;                                                                                                                 \
        _Bool first = __builtin_add_overflow((U)a, (U)b, &sum);                                                                \
        *out = __builtin_add_overflow(sum, (U)in, &sum) | first;                                                               \
        return (C)sum;                                                                                                         \
    }                                                                                                                          \
    EMU_INLINE C ptx_sub_cc_##T(C a, C b, _Bool in, _Bool *out)                                                                \
    {                                                                                                                          \
        U difference;                                                                                                          \
        _Bool first = __builtin_sub_overflow((U)a, (U)b, &difference);                                                         \
        *out = __builtin_sub_overflow(difference, (U)in, &difference) | first;                                                 \
        return (C)difference;                                                                                                  \
    }
PTX_CARRY(u32, uint32_t, uint32_t)
PTX_CARRY(s32, int32_t, uint32_t)
PTX_CARRY(u64, uint64_t, uint64_t)
PTX_CARRY(s64, int64_t, uint64_t)

EMU_INLINE int32_t ptx_low24_s32(int32_t a) { return (int32_t)((uint32_t)a << 8) >> 8; }
EMU_INLINE uint32_t ptx_low24_u32(uint32_t a) { return a & 0xffffff; }
EMU_INLINE uint32_t ptx_mul24_lo_u32(uint32_t a, uint32_t b) { return ptx_low24_u32(a) * ptx_low24_u32(b); }
EMU_INLINE uint32_t ptx_mul24_hi_u32(uint32_t a, uint32_t b)
{
    return (uint32_t)(((uint64_t)ptx_low24_u32(a) * ptx_low24_u32(b)) >> 16);
}
EMU_INLINE int32_t ptx_mul24_lo_s32(int32_t a, int32_t b) { return ptx_low24_s32(a) * ptx_low24_s32(b); }
EMU_INLINE int32_t ptx_mul24_hi_s32(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)ptx_low24_s32(a) * ptx_low24_s32(b)) >> 16);
}

EMU_INLINE uint32_t ptx_clz_b32(uint32_t a) { return a ? (uint32_t)__builtin_clz(a) : 32; }
EMU_INLINE uint32_t ptx_clz_b64(uint64_t a) { return a ? (uint32_t)__builtin_clzll(a) : 64; }
EMU_INLINE uint32_t ptx_brev_b32(uint32_t x)
{
    x = (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
    x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
    x = (x >> 4 & 0x0f0f0f0f) | (x & 0x0f0f0f0f) << 4;
    return __builtin_bswap32(x);
}
EMU_INLINE uint64_t ptx_brev_b64(uint64_t x)
{
    return (uint64_t)ptx_brev_b32((uint32_t)x) << 32 | ptx_brev_b32((uint32_t)(x >> 32));
}

/* bfind: the most significant bit that is not the sign; all ones where there is none. */
EMU_INLINE uint32_t ptx_bfind_u32(uint32_t a) { return a ? 31 - (uint32_t)__builtin_clz(a) : UINT32_MAX; }
EMU_INLINE uint32_t ptx_bfind_u64(uint64_t a) { return a ? 63 - (uint32_t)__builtin_clzll(a) : UINT32_MAX; }
EMU_INLINE uint32_t ptx_bfind_s32(int32_t a) { return ptx_bfind_u32((uint32_t)(a < 0 ? ~a : a)); }
EMU_INLINE uint32_t ptx_bfind_s64(int64_t a) { return ptx_bfind_u64((uint64_t)(a < 0 ? ~a : a)); }
EMU_INLINE uint32_t ptx_bfind_shift(uint32_t found, uint32_t top) { return found == UINT32_MAX ? found : top - found; }
EMU_INLINE uint32_t ptx_bfind_shift_u32(uint32_t a) { return ptx_bfind_shift(ptx_bfind_u32(a), 31); }
EMU_INLINE uint32_t ptx_bfind_shift_s32(int32_t a) { return ptx_bfind_shift(ptx_bfind_s32(a), 31); }
EMU_INLINE uint32_t ptx_bfind_shift_u64(uint64_t a) { return ptx_bfind_shift(ptx_bfind_u64(a), 63); }
EMU_INLINE uint32_t ptx_bfind_shift_s64(int64_t a) { return ptx_bfind_shift(ptx_bfind_s64(a), 63); }

/* bfe and bfi take the low 8 bits of place and length. The sign of an extracted field is that of its last bit, or of the
 * register's where the field ends beyond it. */
EMU_INLINE uint64_t ptx_ones(uint32_t length) { return length >= 64 ? UINT64_MAX : ((uint64_t)1 << length) - 1; }
EMU_INLINE uint64_t ptx_field(uint64_t a, uint32_t place, uint32_t length, uint32_t bits, _Bool is_signed)
{
    place &= 255;
    length &= 255;
    if (length == 0)
        return 0;
    uint64_t found = place < bits ? (a >> place) & ptx_ones(length) : 0;
    if (!is_signed)
        return found;
    uint32_t last = place + length - 1 < bits ? place + length - 1 : bits - 1;
    uint32_t kept = place < bits ? last - place + 1 : 0;
    return (a >> last & 1) ? found | ~ptx_ones(kept) : found;
}
EMU_INLINE uint32_t ptx_bfe_u32(uint32_t a, uint32_t b, uint32_t c) { return (uint32_t)ptx_field(a, b, c, 32, 0); }
EMU_INLINE uint64_t ptx_bfe_u64(uint64_t a, uint32_t b, uint32_t c) { return ptx_field(a, b, c, 64, 0); }
EMU_INLINE int32_t ptx_bfe_s32(int32_t a, uint32_t b, uint32_t c) { return (int32_t)ptx_field((uint32_t)a, b, c, 32, 1); }
EMU_INLINE int64_t ptx_bfe_s64(int64_t a, uint32_t b, uint32_t c) { return (int64_t)ptx_field((uint64_t)a, b, c, 64, 1); }
EMU_INLINE uint64_t ptx_bfi_b64(uint64_t a, uint64_t b, uint32_t place, uint32_t length)
{
    place &= 255;
    length &= 255;
    if (place >= 64)
        return b;
    uint64_t mask = ptx_ones(length) << place;
    return (b & ~mask) | (a << place & mask);
}
EMU_INLINE uint32_t ptx_bfi_b32(uint32_t a, uint32_t b, uint32_t place, uint32_t length)
{
    return (place & 255) >= 32 ? b : (uint32_t)ptx_bfi_b64(a, b, place, length);
}
EMU_INLINE uint32_t ptx_bmsk_clamp(uint32_t place, uint32_t length)
{
    return place >= 32 ? 0 : (uint32_t)(ptx_ones(length > 32 ? 32 : length) << place);
}
EMU_INLINE uint32_t ptx_bmsk_wrap(uint32_t place, uint32_t length) { return (uint32_t)(ptx_ones(length & 31) << (place & 31)); }
EMU_INLINE uint32_t ptx_szext_clamp_u32(uint32_t a, uint32_t n) { return n >= 32 ? a : a & (uint32_t)ptx_ones(n); }
EMU_INLINE int32_t ptx_szext_clamp_s32(int32_t a, uint32_t n)
{
    return n >= 32 ? a : n == 0 ? 0 : (int32_t)((uint32_t)a << (32 - n)) >> (32 - n);
}
EMU_INLINE uint32_t ptx_szext_wrap_u32(uint32_t a, uint32_t n) { return ptx_szext_clamp_u32(a, n & 31); }
EMU_INLINE int32_t ptx_szext_wrap_s32(int32_t a, uint32_t n) { return ptx_szext_clamp_s32(a, n & 31); }

EMU_INLINE uint32_t ptx_fns(uint32_t mask, uint32_t base, int32_t offset)   /* the n-th set bit from `base` on */
{
    if (base > 31)
        return UINT32_MAX;
    if (offset == 0)
        return mask >> base & 1 ? base : UINT32_MAX;
    int32_t step = offset > 0 ? 1 : -1, left = offset > 0 ? offset : -offset;
    for (int32_t place = (int32_t)base; place >= 0 && place < 32; place += step)
        if ((mask >> place & 1) && --left == 0)
            return (uint32_t)place;
    return UINT32_MAX;
}

EMU_INLINE int32_t ptx_byte_u32(uint32_t x, int i) { return (int32_t)(x >> (8 * i) & 255); }
EMU_INLINE int32_t ptx_byte_s32(uint32_t x, int i) { return (int8_t)(x >> (8 * i)); }
EMU_INLINE int32_t ptx_short_u32(uint32_t x, int i) { return (int32_t)(x >> (16 * i) & 65535); }
EMU_INLINE int32_t ptx_short_s32(uint32_t x, int i) { return (int16_t)(x >> (16 * i)); }
#define PTX_DOT(A, B)                                                                                                          \
    EMU_INLINE int32_t ptx_dp4a_##A##_##B(uint32_t a, uint32_t b, int32_t c)                                                   \
    {                                                                                                                          \
        for (int i = 0; i < 4; i++)                                                                                            \
            c += ptx_byte_##A(a, i) * ptx_byte_##B(b, i);                                                                      \
        return c;                                                                                                              \
    }                                                                                                                          \
    EMU_INLINE int32_t ptx_dp2a_##A##_##B(uint32_t a, uint32_t b, int32_t c, int half)                                         \
    {                                                                                                                          \
        for (int i = 0; i < 2; i++)                                                                                            \
            c += ptx_short_##A(a, i) * ptx_byte_##B(b >> half, i);                                                             \
        return c;                                                                                                              \
    }
PTX_DOT(u32, u32)
PTX_DOT(u32, s32)
PTX_DOT(s32, u32)
PTX_DOT(s32, s32)

EMU_INLINE uint32_t ptx_prmt(uint32_t a, uint32_t b, uint32_t selectors)
{
    uint64_t bytes = (uint64_t)b << 32 | a;
    uint32_t found = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t selector = selectors >> (4 * i);
        uint8_t byte = (uint8_t)(bytes >> (8 * (selector & 7)));
        if (selector & 8)
            byte = byte & 128 ? 255 : 0;
        found |= (uint32_t)byte << (8 * i);
    }
    return found;
}
/* The named modes of prmt, as selectors for the same bytes. */
EMU_INLINE uint32_t ptx_prmt_f4e(uint32_t c) { static const uint16_t of[] = {0x3210, 0x4321, 0x5432, 0x6543}; return of[c & 3]; }
EMU_INLINE uint32_t ptx_prmt_b4e(uint32_t c) { static const uint16_t of[] = {0x5670, 0x6701, 0x7012, 0x0123}; return of[c & 3]; }
EMU_INLINE uint32_t ptx_prmt_rc8(uint32_t c) { return 0x1111 * (c & 3); }
EMU_INLINE uint32_t ptx_prmt_ecl(uint32_t c) { static const uint16_t of[] = {0x3210, 0x3211, 0x3222, 0x3333}; return of[c & 3]; }
EMU_INLINE uint32_t ptx_prmt_ecr(uint32_t c) { static const uint16_t of[] = {0x0000, 0x1110, 0x2210, 0x3210}; return of[c & 3]; }
EMU_INLINE uint32_t ptx_prmt_rc16(uint32_t c) { return c & 1 ? 0x3232 : 0x1010; }

EMU_INLINE uint32_t ptx_lop3(uint32_t a, uint32_t b, uint32_t c, uint32_t table)
{
    uint32_t found = 0;
    for (int i = 0; i < 8; i++)
        if (table >> i & 1)
            found |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
    return found;
}

/* Shifts take any amount: beyond the width nothing is left, or only the sign. */
#define PTX_SHIFT(N)                                                                                                           \
    EMU_INLINE uint##N##_t ptx_shl_b##N(uint##N##_t a, uint32_t n) { return n >= N ? 0 : (uint##N##_t)((uint64_t)a << n); }     \
    EMU_INLINE uint##N##_t ptx_shr_u##N(uint##N##_t a, uint32_t n) { return n >= N ? 0 : (uint##N##_t)(a >> n); }               \
    EMU_INLINE uint##N##_t ptx_shr_b##N(uint##N##_t a, uint32_t n) { return ptx_shr_u##N(a, n); }                               \
    EMU_INLINE int##N##_t ptx_shr_s##N(int##N##_t a, uint32_t n) { return (int##N##_t)(a >> (n >= N ? N - 1 : n)); }
PTX_SHIFT(16)
PTX_SHIFT(32)
PTX_SHIFT(64)
EMU_INLINE uint32_t ptx_shf_l_clamp(uint32_t a, uint32_t b, uint32_t n)
{
    n = n > 32 ? 32 : n;
    return (uint32_t)((((uint64_t)b << 32 | a) << n) >> 32);
}
EMU_INLINE uint32_t ptx_shf_r_clamp(uint32_t a, uint32_t b, uint32_t n)
{
    n = n > 32 ? 32 : n;
    return (uint32_t)(((uint64_t)b << 32 | a) >> n);
}
EMU_INLINE uint32_t ptx_shf_l_wrap(uint32_t a, uint32_t b, uint32_t n) { return ptx_shf_l_clamp(a, b, n & 31); }
EMU_INLINE uint32_t ptx_shf_r_wrap(uint32_t a, uint32_t b, uint32_t n) { return ptx_shf_r_clamp(a, b, n & 31); }

#define PTX_PAIR(low, high) ((uint32_t)(uint16_t)(low) | (uint32_t)(uint16_t)(high) << 16)
EMU_INLINE uint32_t ptx_add_u16x2(uint32_t a, uint32_t b) { return PTX_PAIR(a + b, (a >> 16) + (b >> 16)); }
#define PTX_PICK(name, T, C, relation)                                                                                         \
    EMU_INLINE uint32_t ptx_##name##_##T(uint32_t a, uint32_t b)                                                               \
    {                                                                                                                          \
        C a0 = (C)a, a1 = (C)(a >> 16), b0 = (C)b, b1 = (C)(b >> 16);                                                          \
        return PTX_PAIR(a0 relation b0 ? a0 : b0, a1 relation b1 ? a1 : b1);                                                   \
    }
PTX_PICK(min, u16x2, uint16_t, <)
PTX_PICK(max, u16x2, uint16_t, >)
PTX_PICK(min, s16x2, int16_t, <)
PTX_PICK(max, s16x2, int16_t, >)
EMU_INLINE int32_t ptx_min_s32(int32_t a, int32_t b) { return a < b ? a : b; }
EMU_INLINE int32_t ptx_max_s32(int32_t a, int32_t b) { return a > b ? a : b; }
EMU_INLINE uint32_t ptx_relu_s16x2(uint32_t a) { return ptx_max_s16x2(a, 0); }

/* The distance of each two halves or bytes, and the sum of such parts. */
EMU_INLINE uint32_t ptx_distance(uint32_t a, uint32_t b, uint32_t mask) 
{
    a &= mask;
    b &= mask;
    return a > b ? a - b : b - a;
}
EMU_INLINE uint32_t ptx_vabsdiff2(uint32_t a, uint32_t b) { return ptx_distance(a, b, 0xffff) | ptx_distance(a, b, 0xffff0000); }
EMU_INLINE uint32_t ptx_vabsdiff4(uint32_t a, uint32_t b)
{
    return ptx_distance(a, b, 0xff) | ptx_distance(a, b, 0xff00) | ptx_distance(a, b, 0xff0000) | ptx_distance(a, b, 0xff000000);
}
EMU_INLINE uint32_t ptx_sum2(uint32_t a) { return (a & 0xffff) + (a >> 16); }
EMU_INLINE uint32_t ptx_sum4(uint32_t a) { return (a & 255) + (a >> 8 & 255) + (a >> 16 & 255) + (a >> 24); }

EMU_INLINE int32_t ptx_limit(int32_t x, int32_t low, int32_t high) { return x < low ? low : x > high ? high : x; }
EMU_INLINE uint32_t ptx_pack_u16(int32_t a, int32_t b) { return PTX_PAIR(ptx_limit(b, 0, 65535), ptx_limit(a, 0, 65535)); }
EMU_INLINE uint32_t ptx_pack_s16(int32_t a, int32_t b) { return PTX_PAIR(ptx_limit(b, -32768, 32767), ptx_limit(a, -32768, 32767)); }
EMU_INLINE uint32_t ptx_pack_u8(int32_t a, int32_t b, uint32_t c)
{
    return (uint32_t)ptx_limit(b, 0, 255) | (uint32_t)ptx_limit(a, 0, 255) << 8 | c << 16;
}
EMU_INLINE uint32_t ptx_pack_s8(int32_t a, int32_t b, uint32_t c)
{
    return (uint32_t)(uint8_t)ptx_limit(b, -128, 127) | (uint32_t)(uint8_t)ptx_limit(a, -128, 127) << 8 | c << 16;
}

#define PTX_SHFL_up EMU_SHFL_UP
#define PTX_SHFL_down EMU_SHFL_DOWN
#define PTX_SHFL_bfly EMU_SHFL_BFLY
#define PTX_SHFL_idx EMU_SHFL_IDX
#define PTX_VOTE_all EMU_VOTE_ALL
#define PTX_VOTE_any EMU_VOTE_ANY
#define PTX_VOTE_uni EMU_VOTE_UNI
#define PTX_VOTE_ballot EMU_VOTE_BALLOT
#define PTX_REDUX_add_u32 EMU_REDUX_ADD
#define PTX_REDUX_add_s32 EMU_REDUX_ADD
#define PTX_REDUX_min_u32 EMU_REDUX_MIN_U32
#define PTX_REDUX_max_u32 EMU_REDUX_MAX_U32
#define PTX_REDUX_min_s32 EMU_REDUX_MIN_S32
#define PTX_REDUX_max_s32 EMU_REDUX_MAX_S32
#define PTX_REDUX_and_b32 EMU_REDUX_AND
#define PTX_REDUX_or_b32 EMU_REDUX_OR
#define PTX_REDUX_xor_b32 EMU_REDUX_XOR

#endif
