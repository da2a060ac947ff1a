/* Device memory: first fit in one reserved range; freed blocks wait in quarantine before their addresses are used
 * again. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "allocation.h"
#include "device_limits.h"
#include "module.h"
#include "report.h"

#define GRAIN 256u                            /* alignment of every allocation, as cudaMalloc promises */
#define GAP 256u                              /* unused bytes after each, so that running past the end hits nothing */
#define MOST_QUARANTINED ((uint64_t)64 << 20) /* bytes of freed memory kept from use */
#define LARGE ((uint64_t)1 << 20)             /* freed memory of this size goes back to the system, its addresses stay */
#define NEAR ((uint64_t)1 << 16)              /* how far an address may be from a block to be explained by it */

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static Allocation *table;                     /* sorted by `low` without the device bit */
static size_t count, room;
static uint64_t base, limit;                  /* the reserved range, host addresses */
static uint64_t search_from;                  /* where the next search for a gap begins */
static uint64_t quarantined, used;

static uint64_t plain(uint64_t address) { return address & ~EMU_DEVICE_BIT; }

static uint64_t file_number(const char *path)
{
    uint64_t number = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu", &number) != 1)
        number = 0;
    fclose(file);
    return number;
}

uint64_t emu_memory_total(void)
{
    static uint64_t total;
    if (total == 0) {
        uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
        uint64_t group = file_number("/sys/fs/cgroup/memory.max");
        if (group != 0 && group < machine)
            machine = group;
        total = emu_setting("TELERUN_EMULATOR_MEMORY", machine / 2) & ~(uint64_t)0xfffff;
    }
    return total;
}

uint64_t emu_memory_used(void) { return used; }

static bool reserve(void)
{
    if (base != 0)
        return true;
    for (uint64_t bytes = emu_memory_total() * 2 + 4 * MOST_QUARANTINED; bytes > LARGE; bytes /= 2) {
        void *range = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (range != MAP_FAILED) {
            madvise(range, bytes, MADV_DONTDUMP);
            base = search_from = (uint64_t)(uintptr_t)range;
            limit = base + bytes;
            return true;
        }
    }
    return false;
}

/* The first entry whose address is above; the one before it may hold the address. */
static size_t above(uint64_t address)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (plain(table[middle].low) <= plain(address))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool insert(Allocation allocation)
{
    if (count == room) {
        size_t more = room ? room * 2 : 256;
        Allocation *grown = realloc(table, more * sizeof *table);
        if (grown == NULL)
            return false;
        table = grown;
        room = more;
    }
    size_t at = above(allocation.low);
    memmove(&table[at + 1], &table[at], (count - at) * sizeof *table);
    table[at] = allocation;
    count++;
    return true;
}

static void erase(size_t at) { memmove(&table[at], &table[at + 1], (--count - at) * sizeof *table); }

static void leave_quarantine(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!table[i].freed)
            table[kept++] = table[i];
    count = kept;
    quarantined = 0;
    search_from = base;
}

/* The first gap of `bytes` in the reserved range, 0 if there is none. The search goes on behind what was found last, and
 * begins anew when the quarantine is left: so memory that was touched is used again before more is. */
static uint64_t fit(uint64_t bytes)
{
    for (int attempt = 0; attempt < 2; attempt++, search_from = base) {
        uint64_t place = search_from;
        for (size_t i = above(place) > 0 ? above(place) - 1 : 0; i <= count; i++) {
            uint64_t low = i < count ? plain(table[i].low) : limit;
            if (low >= place && (low > limit ? limit : low) >= place + bytes) {
                search_from = place + bytes;
                return place;
            }
            if (i < count && low >= base && low < limit && table[i].end > place)
                place = table[i].end;
        }
    }
    return 0;
}

uint64_t emu_allocate(uint64_t bytes, AllocationKind kind, const char *made_by)
{
    uint64_t taken = ((bytes ? bytes : 1) + GAP + GRAIN - 1) & ~(uint64_t)(GRAIN - 1), address = 0;
    pthread_rwlock_wrlock(&lock);
    if (reserve() && bytes <= emu_memory_total() && used + bytes <= emu_memory_total()) {
        address = fit(taken);
        if (address == 0) {
            leave_quarantine();
            address = fit(taken);
        }
        if (address != 0) {
            uint64_t bit = kind == DEVICE_MEMORY || kind == HEAP_MEMORY ? EMU_DEVICE_BIT : 0;
            Allocation made = {.low = address | bit,
                               .high = (address | bit) + bytes,
                               .end = address + taken,
                               .kind = kind,
                               .device = emu_current_device(),
                               .made_by = made_by};
            if (insert(made))
                used += bytes;
            else
                address = 0;
            if (address != 0)
                address |= bit;
        }
    }
    pthread_rwlock_unlock(&lock);
    return address;
}

void emu_enter_allocation(uint64_t address, uint64_t bytes, AllocationKind kind, const char *made_by)
{
    Allocation entered = {
        .low = address, .high = address + bytes, .end = plain(address) + bytes, .kind = kind, .made_by = made_by};
    pthread_rwlock_wrlock(&lock);
    insert(entered);
    pthread_rwlock_unlock(&lock);
}

void emu_forget_allocation(uint64_t address)
{
    pthread_rwlock_wrlock(&lock);
    size_t at = above(address);
    if (at > 0 && table[at - 1].low == address)
        erase(at - 1);
    pthread_rwlock_unlock(&lock);
}

FreeResult emu_release(uint64_t address, uint32_t kinds)
{
    FreeResult result = FREED;
    pthread_rwlock_wrlock(&lock);
    size_t at = above(address);
    Allocation *found = at > 0 && table[at - 1].low == address ? &table[at - 1] : NULL;
    if (found == NULL) {
        result = NOT_ALLOCATED;
    } else if (!(kinds >> found->kind & 1)) {
        result = OF_ANOTHER_KIND;
    } else if (found->freed) {
        result = FREED_BEFORE;
    } else {
        uint64_t bytes = found->end - plain(found->low);
        used -= found->high - found->low;
        found->freed = true;
        if (bytes < LARGE)
            quarantined += bytes;
        else    /* whole pages inside it */
            madvise((void *)(uintptr_t)((plain(found->low) + 4095) & ~(uint64_t)4095), (bytes - 4096) & ~(uint64_t)4095,
                    MADV_DONTNEED);
        if (quarantined > MOST_QUARANTINED)
            leave_quarantine();
    }
    pthread_rwlock_unlock(&lock);
    return result;
}

bool emu_find(uint64_t address, Allocation *found)
{
    pthread_rwlock_rdlock(&lock);
    size_t at = above(address);
    bool is_there = at > 0 && address >= table[at - 1].low && address < table[at - 1].high;
    if (is_there)
        *found = table[at - 1];
    pthread_rwlock_unlock(&lock);
    return is_there;
}

static const char *noun(const Allocation *allocation)
{
    return allocation->kind == VARIABLE ? "the variable" : allocation->freed ? "a freed block" : "a block";
}

static void name(const Allocation *allocation, char *words, size_t bytes)
{
    uint64_t size = allocation->high - allocation->low;
    if (allocation->kind == VARIABLE)
        snprintf(words, bytes, "%s %s of %lu bytes", noun(allocation), allocation->made_by, size);
    else
        snprintf(words, bytes, "%s of %lu bytes allocated by %s at %#lx", noun(allocation), size, allocation->made_by,
                 allocation->low);
}

void emu_describe(uint64_t address, char *words, size_t bytes)
{
    char block[300];
    pthread_rwlock_rdlock(&lock);
    size_t at = above(address);
    const Allocation *below = at > 0 ? &table[at - 1] : NULL, *after = at < count ? &table[at] : NULL;
    if (plain(address) < 4096) {
        snprintf(words, bytes, "%s", plain(address) == 0 ? "the null pointer" : "a null pointer with an offset");
    } else if (below != NULL && address >= below->low && address < below->high) {
        name(below, block, sizeof block);
        snprintf(words, bytes, "%lu bytes into %s", address - below->low, block);
    } else if (below != NULL && address >= below->high && address - below->high < NEAR &&
               (after == NULL || after->low - address > address - below->high || after->low < address)) {
        name(below, block, sizeof block);
        snprintf(words, bytes, "%lu bytes after the end of %s", address - below->high, block);
    } else if (after != NULL && address < after->low && after->low - address < NEAR) {
        name(after, block, sizeof block);
        snprintf(words, bytes, "%lu bytes before the start of %s", after->low - address, block);
    } else if (!(address & EMU_DEVICE_BIT) && address >> 47 == 0) {
        snprintf(words, bytes,
                 "memory of the host (malloc, new, a vector, a variable of the host program): kernels cannot use it");
    } else {
        snprintf(words, bytes, "no allocated memory");
    }
    pthread_rwlock_unlock(&lock);
}

void emu_release_all(void)
{
    pthread_rwlock_wrlock(&lock);
    for (size_t i = 0; i < count; i++)
        if (!table[i].freed && table[i].kind != VARIABLE && table[i].kind != REGISTERED_MEMORY) {
            used -= table[i].high - table[i].low;
            table[i].freed = true;
            quarantined += table[i].end - plain(table[i].low);
        }
    pthread_rwlock_unlock(&lock);
}

uint64_t emu_report_leaks(void)
{
    uint64_t leaked = 0;
    char block[300];
    pthread_rwlock_rdlock(&lock);
    for (size_t i = 0; i < count; i++)
        if (!table[i].freed && table[i].kind != VARIABLE && table[i].kind != REGISTERED_MEMORY) {
            leaked += table[i].high - table[i].low;
            name(&table[i], block, sizeof block);
            emu_say("warning", "never freed: %s", block);
        }
    pthread_rwlock_unlock(&lock);
    return leaked;
}
