/* Addresses to host pointers, one function per state space, with the checks that the library was compiled with.
 *
 * `base` and `offset` are kept apart because PTX writes [register+constant]: the compiler folds the constant into the access.
 * `bytes` is the width of the whole access (16 for ld.v4.f32): that is also its alignment. On a fault they do not return.
 */
#ifndef TELERUN_KERNEL_MEMORY_H
#define TELERUN_KERNEL_MEMORY_H

/* Slow paths; they return when the access is good after all. */
void emu_global_miss(EmuThread *t, uint64_t address, uint32_t bytes, int access, uint32_t site);
_Noreturn void emu_shared_fault(EmuThread *t, uint64_t offset, uint32_t bytes, int access, uint32_t site);
void emu_local_miss(EmuThread *t, uint64_t address, uint32_t bytes, int access, uint32_t site);
void emu_shared_unwritten(EmuThread *t, uint32_t offset, uint32_t bytes, uint32_t site);
void emu_race_shared(EmuThread *t, uint32_t offset, uint32_t bytes, int access, uint32_t site);
void emu_race_global(EmuThread *t, uint64_t address, uint32_t bytes, int access, uint32_t site);

/* A check is written out at every access, except in modules so large that compiling them would take three times as long. */
#if defined(EMU_LARGE) && EMU_CHECKS
#define EMU_CHECKED static __attribute__((noinline, unused))
#else
#define EMU_CHECKED EMU_INLINE
#endif

/* Where `bytes` is a constant it is one or two comparisons. */
EMU_INLINE bool emu_is_written(const uint8_t *written, uint32_t bytes)
{
    uint64_t first = 0, rest = 0x0101010101010101ull;
    memcpy(&first, written, bytes < 8 ? bytes : 8);
    if (bytes == 16)
        memcpy(&rest, written + 8, 8);
    return first == 0x0101010101010101ull >> (bytes < 8 ? 64 - 8 * bytes : 0) && rest == 0x0101010101010101ull;
}

EMU_INLINE void *emu_host(uint64_t address) { return (void *)(uintptr_t)(address & ~EMU_DEVICE_BIT); }

EMU_CHECKED void *emu_global_at(EmuThread *t, uint64_t base, int64_t offset, uint32_t bytes, int access, uint32_t site)
{
    if (EMU_CHECKS & EMU_CHECK_MEMORY) {
        uint64_t address = base + (uint64_t)offset;
        const EmuRange *recent = &t->recent[site % EMU_RECENT];
        if (EMU_UNLIKELY(address < recent->low || address + bytes > recent->high || (address & (bytes - 1))))
            emu_global_miss(t, address, bytes, access, site);
    }
    if (EMU_CHECKS & EMU_CHECK_RACES)
        emu_race_global(t, base + (uint64_t)offset, bytes, access, site);
    return (uint8_t *)emu_host(base) + offset;
}

/* `base` is an offset into shared memory, as in a 32-bit register or from cvta.to.shared. */
EMU_CHECKED void *emu_shared_at(EmuThread *t, uint64_t base, int64_t offset, uint32_t bytes, int access, uint32_t site)
{
    uint64_t place = base + (uint64_t)offset;
    if (EMU_CHECKS & EMU_CHECK_MEMORY) {
        if (EMU_UNLIKELY(place + bytes > t->shared_bytes || place > t->shared_bytes || (place & (bytes - 1))))
            emu_shared_fault(t, place, bytes, access, site);
    }
    if (EMU_CHECKS & EMU_CHECK_INIT) {
        if (EMU_IS_READ(access)) {
            if (EMU_UNLIKELY(!emu_is_written(t->shared_written + place, bytes)))
                emu_shared_unwritten(t, (uint32_t)place, bytes, site);
        } else {
            memset(t->shared_written + place, 1, bytes);
        }
    }
    if (EMU_CHECKS & EMU_CHECK_RACES)
        emu_race_shared(t, (uint32_t)place, bytes, access, site);
    return t->shared + place;
}

EMU_CHECKED void *emu_local_at(EmuThread *t, uint64_t base, int64_t offset, uint32_t bytes, int access, uint32_t site)
{
    if (EMU_CHECKS & EMU_CHECK_MEMORY) {
        uint64_t address = base + (uint64_t)offset;
        const EmuFrame *frame = t->frame;
        if (EMU_UNLIKELY(frame == NULL || address < frame->low || address + bytes > frame->high ||
                         (address & (bytes - 1))))
            emu_local_miss(t, address, bytes, access, site);
    }
    return (uint8_t *)(uintptr_t)base + offset;
}

EMU_INLINE bool emu_is_shared(EmuThread *t, uint64_t address)    /* isspacep.shared */
{
    return address - (uint64_t)(uintptr_t)t->shared < (uint64_t)t->shared_bytes;
}

EMU_INLINE bool emu_is_local(EmuThread *t, uint64_t address)     /* isspacep.local */
{
    return address - t->stack_low < t->stack_high - t->stack_low;
}

EMU_INLINE bool emu_is_global(EmuThread *t, uint64_t address)    /* isspacep.global */
{
    return !emu_is_shared(t, address) && !emu_is_local(t, address);
}

bool emu_is_constant(EmuThread *t, uint64_t address);            /* isspacep.const: inside a constant variable */

/* ld, st and atom without a state space. With checks it is three accesses in one: too much to repeat wherever it is used. */
#if EMU_CHECKS
#define EMU_GENERIC static __attribute__((noinline, unused))
#else
#define EMU_GENERIC EMU_INLINE
#endif
EMU_GENERIC void *emu_generic_at(EmuThread *t, uint64_t base, int64_t offset, uint32_t bytes, int access, uint32_t site)
{
    if (EMU_CHECKS) {
        uint64_t address = base + (uint64_t)offset;
        if (emu_is_shared(t, address))
            return emu_shared_at(t, address - (uint64_t)(uintptr_t)t->shared, 0, bytes, access, site);
        if (emu_is_local(t, address))
            return emu_local_at(t, base, offset, bytes, access, site);
        return emu_global_at(t, base, offset, bytes, access, site);
    }
    return (uint8_t *)emu_host(base) + offset;
}

EMU_INLINE void *emu_const_at(EmuThread *t, uint64_t base, int64_t offset, uint32_t bytes, int access, uint32_t site)
{
    return emu_global_at(t, base, offset, bytes, access, site);
}

/* cvta.shared and cvta.to.shared; global, const and local addresses convert to themselves. */
EMU_INLINE uint64_t emu_shared_generic(EmuThread *t, uint64_t offset)
{
    return (uint64_t)(uintptr_t)t->shared + offset;
}
EMU_INLINE uint64_t emu_shared_offset(EmuThread *t, uint64_t address)
{
    return address - (uint64_t)(uintptr_t)t->shared;
}

/* The local memory of a function: declares `name`, an array of `bytes` bytes; its address is (uint64_t)(uintptr_t)name. */
EMU_INLINE void emu_leave_frame(EmuThread **t) { (*t)->frame = (*t)->frame->caller; }
#if EMU_CHECKS & EMU_CHECK_MEMORY
#define EMU_LOCAL(t, name, count)                                                                                      \
    uint8_t name[count] __attribute__((aligned(16)));                                                                  \
    EmuFrame name##_frame = {(uint64_t)(uintptr_t)name, (uint64_t)(uintptr_t)name + (count), (t)->frame};              \
    (t)->frame = &name##_frame;                                                                                        \
    EmuThread *name##_leave __attribute__((cleanup(emu_leave_frame), unused)) = (t)
#else
#define EMU_LOCAL(t, name, count) uint8_t name[count] __attribute__((aligned(16)))
#endif

#endif
