/* cp.async: copies that happen when they are waited for. */
#include <stdlib.h>

#include "engine.h"
#include "error.h"
#include "report.h"

typedef struct Copy {
    void *to;
    const void *from;
    uint32_t bytes, source_bytes, group;
} Copy;

typedef struct Copies {
    uint32_t count, room;
    uint32_t group;          /* number of the group that is being filled */
    Copy copy[];
} Copies;

void emu_cp_async(EmuThread *t, void *to, const void *from, uint32_t bytes, uint32_t source_bytes, uint32_t site)
{
    Thread *thread = emu_thread(t);
    Copies *copies = thread->copies;
    if (copies == NULL || copies->count == copies->room) {
        uint32_t room = copies == NULL ? 16 : copies->room * 2;
        Copies *grown = realloc(copies, sizeof *grown + room * sizeof(Copy));
        if (grown == NULL)
            emu_fault(thread, site, cudaErrorMemoryAllocation, "no memory for asynchronous copies");
        if (copies == NULL)
            *grown = (Copies){0};
        grown->room = room;
        thread->copies = copies = grown;
    }
    copies->copy[copies->count++] = (Copy){to, from, bytes, source_bytes < bytes ? source_bytes : bytes, copies->group};
}

/* Carries out the copies of all groups before `group`. */
static void carry_out(Copies *copies, uint32_t group)
{
    uint32_t done = 0;
    while (done < copies->count && (int32_t)(copies->copy[done].group - group) < 0) {
        const Copy *copy = &copies->copy[done++];
        memcpy(copy->to, copy->from, copy->source_bytes);
        memset((uint8_t *)copy->to + copy->source_bytes, 0, copy->bytes - copy->source_bytes);
    }
    copies->count -= done;
    memmove(copies->copy, copies->copy + done, copies->count * sizeof(Copy));
}

void emu_cp_async_commit(EmuThread *t)
{
    if (emu_thread(t)->copies != NULL)
        emu_thread(t)->copies->group++;
}

void emu_cp_async_wait(EmuThread *t, uint32_t pending_groups)
{
    Copies *copies = emu_thread(t)->copies;
    if (copies != NULL)
        carry_out(copies, copies->group - pending_groups);
}

void emu_cp_async_wait_all(EmuThread *t)
{
    Copies *copies = emu_thread(t)->copies;
    if (copies != NULL)
        carry_out(copies, copies->group + 1);
}

void emu_copies_finish(Thread *thread)
{
    emu_cp_async_wait_all(&thread->seen);
    free(thread->copies);
    thread->copies = NULL;
}

/* The barrier hears of the copies when they are done: here, at once. Without .noinc the arrival is one more than was
 * expected. */
void emu_cp_async_mbarrier(EmuThread *t, void *barrier, bool noinc, uint32_t site)
{
    emu_cp_async_wait_all(t);
    if (noinc)
        emu_mbarrier_arrive(t, barrier, 1, 0, false, site);
}
