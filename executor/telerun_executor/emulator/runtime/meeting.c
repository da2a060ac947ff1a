/* Where threads wait for each other: barriers of a block, meetings of a warp, and the question who is active. */
#include "error.h"
#include "report.h"

/* --- Barriers ----------------------------------------------------------------------------------------------------- */

/* A count is exact, also when threads that arrived have ended since. Hardware counts whole warps: a block's last one
 * may be smaller. */
static bool is_complete(const Block *block, const Barrier *barrier)
{
    uint32_t expected = barrier->expected == 0 ? block->live : barrier->expected;
    if (expected > block->grid->threads && expected == 32 * block->seen.warps)
        expected = block->grid->threads;
    return barrier->arrived > 0 && barrier->arrived >= expected;
}

static uint32_t reduced(const Barrier *barrier, int operation)
{
    switch (operation) {
    case EMU_BARRIER_AND:
        return barrier->values == barrier->arrived;
    case EMU_BARRIER_OR:
        return barrier->values > 0;
    default:
        return barrier->values;
    }
}

/* Hardware lets a block's barrier go when the threads that have not ended have come; the language forbids to rely on it. */
static void check_that_all_came(Thread *thread, const Barrier *barrier)
{
    const Grid *grid = thread->home->grid;
    if (barrier->expected == 0 && barrier->arrived < grid->threads &&
        emu_checks_of(grid->module) & EMU_CHECK_BARRIERS)
        emu_warn(thread, barrier->site,
                 "divergent barrier: %u of the block's %u threads ended without coming to this barrier",
                 grid->threads - barrier->arrived, grid->threads);
}

/* Lets all go that wait; their results were stored by operation in `result` as they parked. */
static void release(Block *block, Barrier *barrier)
{
    while (barrier->waiting.count > 0) {
        uint32_t index = emu_pop(&barrier->waiting);
        Thread *thread = &block->threads[index];
        thread->result = reduced(barrier, (int)thread->result);
        emu_ready(block, index);
    }
    barrier->arrived = barrier->values = 0;
    block->epoch++;
}

void emu_barriers_check(Block *block)
{
    for (uint32_t i = 0; i < MAX_BARRIERS; i++)
        if (block->barriers[i].waiting.count > 0 && is_complete(block, &block->barriers[i])) {
            const Queue *waiting = &block->barriers[i].waiting;
            check_that_all_came(&block->threads[waiting->place[waiting->first]], &block->barriers[i]);
            release(block, &block->barriers[i]);
        }
}

static Barrier *arrive(Thread *thread, uint32_t id, uint32_t count, bool value, uint32_t site)
{
    Block *block = thread->home;
    if (id >= MAX_BARRIERS)
        emu_fault(thread, site, cudaErrorLaunchFailure, "barrier %u: a block has only the barriers 0 to 15", id);
    Barrier *barrier = &block->barriers[id];
    if (barrier->arrived == 0) {
        barrier->expected = count;
        barrier->site = site;
    } else if (barrier->expected != count) {
        emu_fault(thread, site, cudaErrorLaunchFailure, "barrier %u: this thread expects %u threads, an earlier one %u",
                  id, count, barrier->expected);
    } else if (site != barrier->site && count == 0 && emu_checks_of(block->grid->module) & EMU_CHECK_BARRIERS) {
        char place[512];
        Thread *first = &block->threads[barrier->waiting.place[barrier->waiting.first]];
        emu_fault(thread, site, cudaErrorLaunchFailure,
                  "divergent barrier: this thread waits here, but thread (%u,%u,%u) of the block waits at another "
                  "barrier at %s",
                  first->seen.tid[0], first->seen.tid[1], first->seen.tid[2],
                  emu_place(block->grid->module, barrier->site, place, sizeof place));
    }
    barrier->arrived++;
    barrier->values += value;
    return barrier;
}

uint32_t emu_barrier_reduce(EmuThread *t, int operation, uint32_t id, uint32_t count, bool value, uint32_t site)
{
    Thread *thread = emu_thread(t);
    Block *block = thread->home;
    Barrier *barrier = arrive(thread, id, count, value, site);
    if (is_complete(block, barrier)) {
        uint32_t result = reduced(barrier, operation);
        check_that_all_came(thread, barrier);
        release(block, barrier);
        return result;
    }
    thread->barrier = id;
    thread->result = (uint32_t)operation;
    emu_push(&barrier->waiting, t->index);
    emu_park(thread, AT_BARRIER, site);
    return thread->result;
}

void emu_barrier_sync(EmuThread *t, uint32_t id, uint32_t count, uint32_t site)
{
    emu_barrier_reduce(t, EMU_BARRIER_POPC, id, count, false, site);
}

void emu_barrier_arrive(EmuThread *t, uint32_t id, uint32_t count, uint32_t site)
{
    Thread *thread = emu_thread(t);
    Barrier *barrier = arrive(thread, id, count, false, site);
    if (is_complete(thread->home, barrier))
        release(thread->home, barrier);
}

/* --- Meetings of a warp ------------------------------------------------------------------------------------------- */

static void hold_meeting(Block *block, Warp *warp, uint32_t number, uint32_t first)
{
    Meeting meeting = warp->meeting[number];
    void *lanes[32] = {NULL};
    warp->meeting[number] = warp->meeting[--warp->meetings];
    warp->epoch++;
    for (uint32_t rest = meeting.arrived; rest != 0; rest &= rest - 1) {
        uint32_t lane = (uint32_t)__builtin_ctz(rest);
        lanes[lane] = block->threads[first + lane].lane;
    }
    if (meeting.collective != NULL)
        meeting.collective(meeting.arrived, lanes);
    for (uint32_t rest = meeting.arrived; rest != 0; rest &= rest - 1) {
        Thread *thread = &block->threads[first + (uint32_t)__builtin_ctz(rest)];
        if (thread->state == AT_MEETING)
            emu_ready(block, thread->seen.index);
    }
}

void emu_meetings_check(Thread *thread)
{
    Block *block = thread->home;
    Warp *warp = &block->warps[thread->seen.index / 32];
    for (uint32_t i = warp->meetings; i-- > 0;)
        if (warp->meeting[i].arrived == (warp->meeting[i].mask & warp->live))
            hold_meeting(block, warp, i, thread->seen.index & ~31u);
}

/* Returns when every lane of the mask has come and `collective` has been run over what they brought. */
void emu_meet(EmuThread *t, uint32_t mask, Collective *collective, void *lane, uint32_t site)
{
    Thread *thread = emu_thread(t);
    Block *block = thread->home;
    Warp *warp = &block->warps[t->index / 32];
    uint32_t mine = 1u << t->index % 32, number;
    if (EMU_UNLIKELY(!(mask & mine))) {
        emu_warn(thread, site, "this warp operation's mask 0x%08x leaves out the lane %u that executes it", mask,
                 t->index % 32);
        mask = mine;
    }
    for (number = 0; number < warp->meetings; number++)
        if (warp->meeting[number].mask == mask && warp->meeting[number].collective == collective)
            break;
    if (number == warp->meetings)
        warp->meeting[warp->meetings++] = (Meeting){.mask = mask, .site = site, .collective = collective};
    warp->meeting[number].arrived |= mine;
    thread->lane = lane;
    if (warp->meeting[number].arrived == (mask & warp->live)) {
        hold_meeting(block, warp, number, t->index & ~31u);
    } else {
        thread->mask = mask;
        emu_park(thread, AT_MEETING, site);
    }
}

void emu_syncwarp(EmuThread *t, uint32_t mask, uint32_t site)
{
    if (mask != 1u << t->index % 32)
        emu_meet(t, mask, NULL, NULL, site);
}

/* --- Who is active ------------------------------------------------------------------------------------------------ */

uint32_t emu_activemask(EmuThread *t, uint32_t site)
{
    Thread *thread = emu_thread(t);
    emu_park(thread, AT_ACTIVEMASK, site);
    return thread->mask;
}

/* Whether they stand at the same instruction: in a function that was called from two places, they do not. */
static bool is_beside(const Thread *one, const Thread *other)
{
    const EmuCall *call = one->seen.call, *others = other->seen.call;
    while (call != NULL && others != NULL && call->site == others->site)
        call = call->caller, others = others->caller;
    return other->state == AT_ACTIVEMASK && other->site == one->site && call == NULL && others == NULL;
}

/* Nothing else in the block can run, so the lanes that wait at one site are those that came there together. */
bool emu_activemasks_resolve(Block *block)
{
    bool any = false;
    for (uint32_t first = 0; first < block->grid->threads; first += 32) {
        uint32_t lanes = block->grid->threads - first < 32 ? block->grid->threads - first : 32;
        Thread *threads = &block->threads[first];
        for (uint32_t i = 0; i < lanes; i++) {
            if (threads[i].state != AT_ACTIVEMASK)
                continue;
            uint32_t mask = 0;
            for (uint32_t j = i; j < lanes; j++)
                if (is_beside(&threads[i], &threads[j]))
                    mask |= 1u << j;
            for (uint32_t j = i; j < lanes; j++)
                if (mask >> j & 1) {
                    threads[j].mask = mask;
                    emu_ready(block, first + j);
                }
            any = true;
        }
    }
    return any;
}
