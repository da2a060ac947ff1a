/* mbarrier objects: 64 bits in shared memory. A block runs on one OS thread, so plain updates are atomic enough.
 *
 *   bits 0..19 pending arrivals, 20..39 arrivals of the next phase, 40..62 pending bytes (biased), 63 phase parity
 */
#include "engine.h"
#include "error.h"
#include "report.h"

#define COUNT_BITS 20
#define COUNT_MASK ((1u << COUNT_BITS) - 1)
#define NO_BYTES ((uint32_t)1 << 22)    /* the bias: more bytes may complete before they are expected */

typedef struct State {
    uint32_t pending, next, bytes, phase;
} State;

static State unpack(uint64_t word)
{
    return (State){word & COUNT_MASK, word >> COUNT_BITS & COUNT_MASK, word >> 40 & 0x7fffff, (uint32_t)(word >> 63)};
}

static uint64_t pack(State state)
{
    return (uint64_t)state.pending | (uint64_t)state.next << COUNT_BITS | (uint64_t)state.bytes << 40 |
           (uint64_t)state.phase << 63;
}

static uint64_t load(const void *at) { return __atomic_load_n((const uint64_t *)at, __ATOMIC_SEQ_CST); }

static void store(EmuThread *t, void *at, State state)
{
    if (state.pending == 0 && state.bytes == NO_BYTES) {
        state.phase ^= 1;
        state.pending = state.next;
        emu_thread(t)->home->fruitless = 0;
        emu_thread(t)->home->epoch++;
    }
    __atomic_store_n((uint64_t *)at, pack(state), __ATOMIC_SEQ_CST);
}

void emu_mbarrier_init(EmuThread *t, void *at, uint32_t count, uint32_t site)
{
    if (count == 0 || count > COUNT_MASK)
        emu_fault(emu_thread(t), site, cudaErrorLaunchFailure, "mbarrier.init with a count of %u", count);
    __atomic_store_n((uint64_t *)at, pack((State){count, count, NO_BYTES, 0}), __ATOMIC_SEQ_CST);
}

void emu_mbarrier_inval(EmuThread *t, void *at, uint32_t site)
{
    (void)t, (void)site;
    __atomic_store_n((uint64_t *)at, 0, __ATOMIC_SEQ_CST);
}

uint64_t emu_mbarrier_arrive(EmuThread *t, void *at, uint32_t count, uint32_t transactions, bool drop, uint32_t site)
{
    uint64_t before = load(at);
    State state = unpack(before);
    if (state.next == 0 && state.pending == 0)
        emu_fault(emu_thread(t), site, cudaErrorLaunchFailure, "arrival at an mbarrier that was not initialised");
    if (count > state.pending)
        emu_fault(emu_thread(t), site, cudaErrorLaunchFailure, "%u arrivals at an mbarrier that waits for %u", count,
                  state.pending);
    state.pending -= count;
    state.bytes += transactions;
    if (drop)
        state.next -= count;
    store(t, at, state);
    return before;
}

void emu_mbarrier_expect(EmuThread *t, void *at, uint32_t transactions, uint32_t site)
{
    (void)site;
    State state = unpack(load(at));
    state.bytes += transactions;
    store(t, at, state);
}

void emu_mbarrier_complete(EmuThread *t, void *at, uint32_t transactions, uint32_t site)
{
    (void)site;
    State state = unpack(load(at));
    state.bytes -= transactions;
    store(t, at, state);
}

bool emu_mbarrier_test_parity(EmuThread *t, void *at, uint32_t parity, uint32_t site)
{
    (void)site;
    if (unpack(load(at)).phase != (parity & 1))
        return true;
    emu_yield(t);
    return unpack(load(at)).phase != (parity & 1);
}

bool emu_mbarrier_test(EmuThread *t, void *at, uint64_t state, uint32_t site)
{
    return emu_mbarrier_test_parity(t, at, unpack(state).phase, site);
}

uint32_t emu_mbarrier_pending(uint64_t state) { return unpack(state).pending; }
