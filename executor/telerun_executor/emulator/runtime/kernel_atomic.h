/* Atomic operations: they return the old value. `at` is a host pointer from an emu_*_at function (EMU_ATOMIC).
 *
 * Blocks run in parallel on several OS threads, so these are real atomics. Scopes and orders are all taken as the strongest.
 * f16, bf16 and their pairs go through a compare-and-swap with an addition that the translator's arithmetic defines: see
 * emu_atom_update32 and emu_atom_update16.
 */
#ifndef TELERUN_KERNEL_ATOMIC_H
#define TELERUN_KERNEL_ATOMIC_H

#define EMU_ATOM_BUILTIN(name, type, builtin)                                                                          \
    EMU_INLINE type emu_atom_##name(EmuThread *t, void *at, type value)                                                \
    {                                                                                                                  \
        emu_spin(t);                                                                                                   \
        return builtin((type *)at, value, __ATOMIC_SEQ_CST);                                                           \
    }
/* An operation without an instruction of its own: `next` is an expression of `old` and `value`. */
#define EMU_ATOM_LOOP(name, type, next)                                                                                \
    EMU_INLINE type emu_atom_##name(EmuThread *t, void *at, type value)                                                \
    {                                                                                                                  \
        emu_spin(t);                                                                                                   \
        type old = __atomic_load_n((type *)at, __ATOMIC_RELAXED);                                                      \
        while (                                                                                                        \
            !__atomic_compare_exchange_n((type *)at, &old, (type)(next), false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) { \
        }                                                                                                              \
        return old;                                                                                                    \
    }

EMU_ATOM_BUILTIN(add_u32, uint32_t, __atomic_fetch_add)      /* add.s32 is the same */
EMU_ATOM_BUILTIN(add_u64, uint64_t, __atomic_fetch_add)
EMU_ATOM_BUILTIN(and_b32, uint32_t, __atomic_fetch_and)
EMU_ATOM_BUILTIN(and_b64, uint64_t, __atomic_fetch_and)
EMU_ATOM_BUILTIN(or_b32, uint32_t, __atomic_fetch_or)
EMU_ATOM_BUILTIN(or_b64, uint64_t, __atomic_fetch_or)
EMU_ATOM_BUILTIN(xor_b32, uint32_t, __atomic_fetch_xor)
EMU_ATOM_BUILTIN(xor_b64, uint64_t, __atomic_fetch_xor)
EMU_ATOM_BUILTIN(exch_b32, uint32_t, __atomic_exchange_n)
EMU_ATOM_BUILTIN(exch_b64, uint64_t, __atomic_exchange_n)
EMU_ATOM_LOOP(min_u32, uint32_t, value < old ? value : old)
EMU_ATOM_LOOP(max_u32, uint32_t, value > old ? value : old)
EMU_ATOM_LOOP(min_s32, int32_t, value < old ? value : old)
EMU_ATOM_LOOP(max_s32, int32_t, value > old ? value : old)
EMU_ATOM_LOOP(min_u64, uint64_t, value < old ? value : old)
EMU_ATOM_LOOP(max_u64, uint64_t, value > old ? value : old)
EMU_ATOM_LOOP(min_s64, int64_t, value < old ? value : old)
EMU_ATOM_LOOP(max_s64, int64_t, value > old ? value : old)
EMU_ATOM_LOOP(inc_u32, uint32_t, old >= value ? 0 : old + 1)
EMU_ATOM_LOOP(dec_u32, uint32_t, old == 0 || old > value ? value : old - 1)

EMU_INLINE uint16_t emu_atom_cas_b16(EmuThread *t, void *at, uint16_t expected, uint16_t value)
{
    emu_spin(t);
    __atomic_compare_exchange_n((uint16_t *)at, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

EMU_INLINE uint32_t emu_atom_cas_b32(EmuThread *t, void *at, uint32_t expected, uint32_t value)
{
    emu_spin(t);
    __atomic_compare_exchange_n((uint32_t *)at, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

EMU_INLINE uint64_t emu_atom_cas_b64(EmuThread *t, void *at, uint64_t expected, uint64_t value)
{
    emu_spin(t);
    __atomic_compare_exchange_n((uint64_t *)at, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

/* 128-bit: provided by the runtime; `old` receives the value found. */
void emu_atom_cas_b128(EmuThread *t, void *at, const uint64_t expected[2], const uint64_t value[2], uint64_t old[2]);
void emu_atom_exch_b128(EmuThread *t, void *at, const uint64_t value[2], uint64_t old[2]);

EMU_INLINE float emu_flush(float x) { return __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(0.0f, x) : x; }

/* Floating point, as raw bits. `flush` for global memory (subnormals become zero there), not for shared memory. */
EMU_INLINE uint32_t emu_atom_add_f32(EmuThread *t, void *at, uint32_t bits, bool flush)
{
    emu_spin(t);
    float value, sum;
    memcpy(&value, &bits, 4);
    uint32_t old = __atomic_load_n((uint32_t *)at, __ATOMIC_RELAXED), next;
    do {
        memcpy(&sum, &old, 4);
        sum = flush ? emu_flush(emu_flush(sum) + emu_flush(value)) : sum + value;
        memcpy(&next, &sum, 4);
        if (sum != sum)
            next = 0x7fffffff;
    } while (!__atomic_compare_exchange_n((uint32_t *)at, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    return old;
}

EMU_INLINE uint64_t emu_atom_add_f64(EmuThread *t, void *at, uint64_t bits)
{
    emu_spin(t);
    double value, sum;
    memcpy(&value, &bits, 8);
    uint64_t old = __atomic_load_n((uint64_t *)at, __ATOMIC_RELAXED), next;
    do {
        memcpy(&sum, &old, 8);
        sum += value;
        memcpy(&next, &sum, 8);
    } while (!__atomic_compare_exchange_n((uint64_t *)at, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    return old;
}

/* Any other update: `next(old, value)` is a pure function of raw bits (f16x2, bf16x2, min and max of floats, ...). */
EMU_INLINE uint32_t emu_atom_update32(EmuThread *t, void *at, uint32_t value, uint32_t (*next)(uint32_t, uint32_t))
{
    emu_spin(t);
    uint32_t old = __atomic_load_n((uint32_t *)at, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n((uint32_t *)at, &old, next(old, value), false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED)) {
    }
    return old;
}

EMU_INLINE uint16_t emu_atom_update16(EmuThread *t, void *at, uint16_t value, uint16_t (*next)(uint16_t, uint16_t))
{
    emu_spin(t);
    uint16_t old = __atomic_load_n((uint16_t *)at, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n((uint16_t *)at, &old, next(old, value), false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED)) {
    }
    return old;
}

#endif
