/* Accesses that were not in the last allocation seen at their site: most are good, the others end the kernel with a
 * report. */
#include <stdio.h>

#include "allocation.h"
#include "error.h"
#include "module.h"
#include "report.h"

static const char *const verbs[] = {[EMU_LOAD] = "read", [EMU_STORE] = "write", [EMU_ATOMIC] = "atomic access",
                                    [EMU_ORDERED_LOAD] = "read", [EMU_ORDERED_STORE] = "write"};

static void check_alignment(Thread *thread, const char *space, uint64_t address, uint32_t bytes, int access,
                            uint32_t site)
{
    if (address & (bytes - 1))
        emu_fault(thread, site, cudaErrorMisalignedAddress,
                  "misaligned %s %s of %u bytes at %#lx: the address is no multiple of %u", space, verbs[access], bytes,
                  address, bytes);
}

/* The parameters of a __grid_constant__ kernel can be read by address. */
static bool is_parameter(const Thread *thread, uint64_t address, uint32_t bytes)
{
    uint64_t low = (uint64_t)(uintptr_t)thread->seen.parameters;
    return address >= low && address + bytes <= low + thread->home->grid->kernel->parameter_bytes;
}

static bool is_workspace(const Thread *thread, uint64_t address, uint32_t bytes)
{
    uint64_t low = EMU_DEVICE(thread->home->grid->workspace);
    return address >= low && address + bytes <= low + sizeof thread->home->grid->workspace;
}

void emu_global_miss(EmuThread *t, uint64_t address, uint32_t bytes, int access, uint32_t site)
{
    Thread *thread = emu_thread(t);
    Allocation found;
    char words[500];
    check_alignment(thread, "global", address, bytes, access, site);
    bool inside = emu_find(address, &found);
    if (inside && !found.freed && address + bytes <= found.high) {
        t->recent[site % EMU_RECENT] = (EmuRange){found.low, found.high};
        return;
    }
    if (is_parameter(thread, address, bytes) || is_workspace(thread, address, bytes))
        return;
    uint64_t beyond_shared = address - (uint64_t)(uintptr_t)(t->shared + t->shared_bytes);
    if (beyond_shared < thread->home->shared_room + 4096 - t->shared_bytes)
        emu_shared_fault(t, t->shared_bytes + beyond_shared, bytes, access, site);
    if (inside && found.freed)
        emu_describe(address, words, sizeof words);
    else
        emu_describe(inside ? found.high : address, words, sizeof words);    /* it may begin inside and end outside */
    bool is_device = address & EMU_DEVICE_BIT && (address & ~EMU_DEVICE_BIT) >= 4096;
    emu_fault(thread, site, cudaErrorIllegalAddress, "%s %s of %u bytes at %#lx: %s",
              inside && found.freed ? "use after free:"
              : inside || is_device ? "out-of-bounds"
                                    : "illegal",
              verbs[access], bytes, address, words);
}

_Noreturn void emu_shared_fault(EmuThread *t, uint64_t offset, uint32_t bytes, int access, uint32_t site)
{
    Thread *thread = emu_thread(t);
    check_alignment(thread, "shared", offset, bytes, access, site);
    uint32_t place = (uint32_t)offset;
    if ((int32_t)place < 0)
        emu_fault(
            thread, site, cudaErrorIllegalAddress,
            "out-of-bounds shared %s of %u bytes, %d bytes before the start of the block's %u bytes of shared memory",
            verbs[access], bytes, -(int32_t)place, t->shared_bytes);
    uint32_t beyond = place > t->shared_bytes ? place - t->shared_bytes : 0;
    emu_fault(thread, site, cudaErrorIllegalAddress,
              "out-of-bounds shared %s of %u bytes, %u bytes after the end of the block's %u bytes of shared memory%s",
              verbs[access], bytes, beyond, t->shared_bytes,
              thread->home->grid->shared_dynamic == 0 && thread->home->grid->kernel->flags & EMU_KERNEL_DYNAMIC
                  ? " (the kernel has dynamic shared memory, but its launch gave it none)"
                  : "");
}

void emu_local_miss(EmuThread *t, uint64_t address, uint32_t bytes, int access, uint32_t site)
{
    Thread *thread = emu_thread(t);
    check_alignment(thread, "local", address, bytes, access, site);
    for (const EmuFrame *frame = t->frame; frame != NULL; frame = frame->caller)
        if (address >= frame->low && address + bytes <= frame->high)
            return;
    const EmuFrame *frame = t->frame;
    if (frame != NULL && address >= frame->high)
        emu_fault(
            thread, site, cudaErrorIllegalAddress,
            "out-of-bounds local %s of %u bytes, %lu bytes after the end of the function's %lu bytes of local arrays",
            verbs[access], bytes, address - frame->high, frame->high - frame->low);
    emu_fault(thread, site, cudaErrorIllegalAddress,
              "out-of-bounds local %s of %u bytes at %#lx, outside the thread's local arrays", verbs[access], bytes,
              address);
}

void emu_shared_unwritten(EmuThread *t, uint32_t offset, uint32_t bytes, uint32_t site)
{
    if (bytes > 4 && memchr(t->shared_written + offset, 1, bytes) != NULL)
        return; /* a wide access also moves a structure's padding */
    emu_warn(emu_thread(t), site,
             "uninitialised shared read of %u bytes at offset %u: no thread of the block wrote there", bytes, offset);
}

void *emu_checked_at(EmuThread *t, uint64_t address, uint32_t bytes, int access, uint32_t site)
{
    uint32_t checks = emu_checks_of(emu_thread(t)->home->grid->module);
    if (emu_is_shared(t, address)) {
        uint32_t offset = (uint32_t)emu_shared_offset(t, address);
        if (checks & EMU_CHECK_MEMORY && (offset + bytes > t->shared_bytes || offset & (bytes - 1)))
            emu_shared_fault(t, offset, bytes, access, site);
        if (checks & EMU_CHECK_INIT && EMU_IS_READ(access) && memchr(t->shared_written + offset, 0, bytes) != NULL)
            emu_shared_unwritten(t, offset, bytes, site);
        if (checks & EMU_CHECK_INIT && !EMU_IS_READ(access))
            memset(t->shared_written + offset, 1, bytes);
        if (checks & EMU_CHECK_RACES)
            emu_race_shared(t, offset, bytes, access, site);
    } else if (!emu_is_local(t, address)) {
        const EmuRange *recent = &t->recent[site % EMU_RECENT];
        if (checks & EMU_CHECK_MEMORY &&
            (address < recent->low || address + bytes > recent->high || address & (bytes - 1)))
            emu_global_miss(t, address, bytes, access, site);
        if (checks & EMU_CHECK_RACES)
            emu_race_global(t, address, bytes, access, site);
    } else if (checks & EMU_CHECK_MEMORY) {
        emu_local_miss(t, address, bytes, access, site);
    }
    return emu_host(address);
}

bool emu_is_constant(EmuThread *t, uint64_t address)
{
    const EmuModule *table = emu_thread(t)->home->grid->module->table;
    for (uint32_t i = 0; i < table->variable_count; i++)
        if (table->variables[i].kind == EMU_CONSTANT_VARIABLE &&
            address - EMU_DEVICE(table->variables[i].address) < table->variables[i].bytes)
            return true;
    return false;
}
