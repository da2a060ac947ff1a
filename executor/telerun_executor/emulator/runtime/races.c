/* Data races between the threads of a block: two accesses to one byte, at least one a write, with nothing between them
 * that orders the threads. Ordered are: accesses before and after a barrier; lanes of one warp before and after a warp
 * operation; two atomics; and a thread that used an atomic or a volatile access after the first access, with one that
 * did so before the second (locks, flags). That errs on the quiet side: what is reported is a race, not every race is
 * reported.
 */
#include <stdlib.h>

#include "engine.h"
#include "report.h"
#include "races.h"

#define NOBODY UINT16_MAX

/* `bytes`: which of the word's four were accessed, a bit for each. */
typedef struct Access {
    uint32_t epoch, warp_epoch, synchronised, site;
    uint16_t thread;
    uint8_t bytes;
    bool is_ordered;    /* an atomic, volatile, relaxed, acquire or release access */
} Access;

/* The last accesses to a word of four bytes. Of accesses to different bytes of one word, the later ones are remembered.
 */
typedef struct Record {
    uint64_t word;    /* address / 4 */
    uint32_t run;
    Access writer, readers[2];
} Record;

/* An open-addressed table of words; records of earlier blocks (another `run`) count as empty. */
typedef struct Races {
    Record *records;
    size_t room, used;
    uint32_t run;
} Races;

Races *emu_races_make(void)
{
    Races *races = calloc(1, sizeof *races);
    if (races == NULL || (races->records = calloc(races->room = 1 << 12, sizeof(Record))) == NULL) {
        free(races);
        return NULL;
    }
    return races;
}

void emu_races_begin(Block *block)
{
    block->races->run++;
    block->races->used = 0;
}

void emu_races_free(Block *block)
{
    if (block->races != NULL)
        free(block->races->records);
    free(block->races);
    block->races = NULL;
}

static Record *slot(Races *races, uint64_t word)
{
    size_t at = (word * 0x9e3779b97f4a7c15u >> 32) & (races->room - 1);
    while (races->records[at].run == races->run && races->records[at].word != word)
        at = (at + 1) & (races->room - 1);
    return &races->records[at];
}

static bool grow(Races *races)
{
    Record *before = races->records;
    size_t room = races->room;
    Record *after = calloc(room * 2, sizeof(Record));
    if (after == NULL)
        return false;
    races->records = after;
    races->room = room * 2;
    for (size_t i = 0; i < room; i++)
        if (before[i].run == races->run)
            *slot(races, before[i].word) = before[i];
    free(before);
    return true;
}

static bool are_ordered(const Block *block, const Access *first, const Access *second)
{
    if (first->thread == NOBODY || first->thread == second->thread || !(first->bytes & second->bytes) ||
        first->epoch != second->epoch || (first->is_ordered && second->is_ordered))
        return true;
    if (first->thread / 32 == second->thread / 32 && first->warp_epoch != second->warp_epoch)
        return true;
    return block->threads[first->thread].synchronised != first->synchronised && second->synchronised > 0;
}

static void report(Thread *thread, const Access *first, const Access *second, bool wrote_first, bool writes,
                   const char *space)
{
    char place[512];
    const uint32_t *other = thread->home->threads[first->thread].seen.tid;
    emu_warn(thread, second->site,
             "data race on %s memory: this thread %s what thread (%u,%u,%u) %s at %s, with no barrier between", space,
             writes ? "writes" : "reads", other[0], other[1], other[2], wrote_first ? "wrote" : "read",
             emu_place(thread->home->grid->module, first->site, place, sizeof place));
}

static void note(EmuThread *t, uint64_t address, uint32_t bytes, int access, uint32_t site, const char *space)
{
    Thread *thread = emu_thread(t);
    Block *block = thread->home;
    Races *races = block->races;
    if (races == NULL)
        return;
    bool is_ordered = access >= EMU_ATOMIC, is_read = EMU_IS_READ(access);
    if (is_ordered)
        thread->synchronised++;
    Access now = {.epoch = block->epoch,
                  .warp_epoch = block->warps[t->index / 32].epoch,
                  .synchronised = thread->synchronised,
                  .site = site,
                  .thread = (uint16_t)t->index,
                  .is_ordered = is_ordered};
    for (uint64_t word = address / 4; word <= (address + bytes - 1) / 4; word++) {
        if (races->used * 2 > races->room && !grow(races))
            return;
        Record *record = slot(races, word);
        if (record->run != races->run) {
            races->used++;
            *record = (Record){.word = word,
                               .run = races->run,
                               .writer.thread = NOBODY,
                               .readers = {{.thread = NOBODY}, {.thread = NOBODY}}};
        }
        now.bytes = bytes >= 4 ? 15 : (uint8_t)(((1u << bytes) - 1) << (address & 3));
        /* A plain read beside an atomic is how every loop around a compare-and-swap begins. */
        if (!are_ordered(block, &record->writer, &now) && !(is_read && record->writer.is_ordered)) {
            report(thread, &record->writer, &now, true, !is_read, space);
            record->writer.thread = NOBODY;
        }
        if (is_read) {
            Access *reader =
                &record->readers[record->readers[0].thread != NOBODY && record->readers[0].thread != t->index &&
                                 record->readers[0].epoch == now.epoch];
            *reader = now;
            continue;
        }
        for (int i = 0; i < 2; i++)
            if (!is_ordered && !are_ordered(block, &record->readers[i], &now)) {
                report(thread, &record->readers[i], &now, false, true, space);
                record->readers[i].thread = NOBODY;
            }
        record->writer = now;
    }
}

void emu_race_shared(EmuThread *t, uint32_t offset, uint32_t bytes, int access, uint32_t site)
{
    note(t, offset, bytes, access, site, "shared");
}

void emu_race_global(EmuThread *t, uint64_t address, uint32_t bytes, int access, uint32_t site)
{
    note(t, address, bytes, access, site, "global");
}
