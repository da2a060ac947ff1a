/* Barriers and warp operations. Each one may let other threads of the block run before it returns.
 *
 * A warp operation waits until every lane of `mask` that has not ended has come to the same operation with the same mask. Where
 * that can no longer happen, the launch ends with error 719 and a report; it never hangs.
 */
#ifndef TELERUN_KERNEL_WARP_H
#define TELERUN_KERNEL_WARP_H

/* barrier.sync / bar.sync a{, b}: `count` is b in threads, 0 where it is not given. barrier.cta is the same. */
void emu_barrier_sync(EmuThread *t, uint32_t id, uint32_t count, uint32_t site);
void emu_barrier_arrive(EmuThread *t, uint32_t id, uint32_t count, uint32_t site);
enum { EMU_BARRIER_POPC, EMU_BARRIER_AND, EMU_BARRIER_OR };
uint32_t emu_barrier_reduce(EmuThread *t, int operation, uint32_t id, uint32_t count, bool value, uint32_t site);

enum { EMU_SHFL_UP, EMU_SHFL_DOWN, EMU_SHFL_BFLY, EMU_SHFL_IDX };
/* shfl.sync.mode.b32 d|p, a, b, c, mask: returns d, sets *inside to p. */
uint32_t emu_shfl(EmuThread *t, int mode, uint32_t a, uint32_t b, uint32_t c, uint32_t mask, bool *inside,
                  uint32_t site);

enum { EMU_VOTE_ALL, EMU_VOTE_ANY, EMU_VOTE_UNI, EMU_VOTE_BALLOT };
uint32_t emu_vote(EmuThread *t, int mode, bool value, uint32_t mask, uint32_t site);

uint32_t emu_match_any(EmuThread *t, uint64_t value, uint32_t mask, uint32_t site);
uint32_t emu_match_all(EmuThread *t, uint64_t value, uint32_t mask, bool *all, uint32_t site);

enum {
    EMU_REDUX_ADD,
    EMU_REDUX_MIN_S32,
    EMU_REDUX_MAX_S32,
    EMU_REDUX_MIN_U32,
    EMU_REDUX_MAX_U32,
    EMU_REDUX_AND,
    EMU_REDUX_OR,
    EMU_REDUX_XOR
};
uint32_t emu_redux(EmuThread *t, int operation, uint32_t value, uint32_t mask, uint32_t site);

uint32_t emu_elect(EmuThread *t, uint32_t mask, bool *elected,
                   uint32_t site);   /* elect.sync: returns the leader's lane */
void emu_syncwarp(EmuThread *t, uint32_t mask, uint32_t site);                   /* bar.warp.sync */

/* The lanes that come to this very site together: the warp is run on until all its other lanes wait elsewhere or have ended. */
uint32_t emu_activemask(EmuThread *t, uint32_t site);

EMU_INLINE uint32_t emu_lane(EmuThread *t) { return t->index % 32; }
EMU_INLINE uint32_t emu_warp(EmuThread *t) { return t->index / 32; }

/* mbarrier.* on a 64-bit object in shared memory; `at` is its host pointer from emu_shared_at(..., 8, EMU_ATOMIC, site). */
void emu_mbarrier_init(EmuThread *t, void *at, uint32_t count, uint32_t site);
void emu_mbarrier_inval(EmuThread *t, void *at, uint32_t site);
/* Arrives `count` times, after adding `transactions` bytes to what is expected (expect_tx); returns the state token. */
uint64_t emu_mbarrier_arrive(EmuThread *t, void *at, uint32_t count, uint32_t transactions, bool drop, uint32_t site);
void emu_mbarrier_expect(EmuThread *t, void *at, uint32_t transactions, uint32_t site); /* mbarrier.expect_tx */
void emu_mbarrier_complete(EmuThread *t, void *at, uint32_t transactions, uint32_t site); /* mbarrier.complete_tx */
/* test_wait and try_wait; on false, others have had a turn (both may be called in a loop). */
bool emu_mbarrier_test(EmuThread *t, void *at, uint64_t state, uint32_t site);
bool emu_mbarrier_test_parity(EmuThread *t, void *at, uint32_t parity, uint32_t site);
uint32_t emu_mbarrier_pending(uint64_t state); /* mbarrier.pending_count */

#endif
