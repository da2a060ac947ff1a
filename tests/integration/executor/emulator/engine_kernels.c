/* Kernels written by hand, as the translator would write them: each takes (int *out, int n), out in managed memory. */
#include "kernel.h"

#define OUT (*(int32_t **)t->parameters)
#define N (*(int32_t *)(t->parameters + 8))
#define GLOBAL_INDEX (t->block->ctaid[0] * t->block->ntid[0] + t->tid[0])
#define SITE(line) (line)    /* the module below has a site for each number up to 99 */
#define ALL 0xffffffffu

static void rotate(EmuThread *t)
{
    int32_t *mine = emu_shared_at(t, 0, 4 * t->index, 4, EMU_STORE, SITE(1));
    *mine = (int32_t)GLOBAL_INDEX;
    emu_barrier_sync(t, 0, 0, SITE(2));
    OUT[GLOBAL_INDEX] = *(int32_t *)emu_shared_at(t, 0, 4 * ((t->index + 1) % t->block->threads), 4, EMU_LOAD, SITE(3));
}

static void barrier_reductions(EmuThread *t)
{
    bool is_odd = t->index % 2;
    OUT[t->index] = (int32_t)(emu_barrier_reduce(t, EMU_BARRIER_POPC, 0, 0, is_odd, SITE(1))
                              + 1000 * emu_barrier_reduce(t, EMU_BARRIER_AND, 0, 0, is_odd, SITE(2))
                              + 10000 * emu_barrier_reduce(t, EMU_BARRIER_OR, 0, 0, is_odd, SITE(3)));
}

/* The first warp waits at barrier 1 for the second, which only arrives. */
static void named_barrier(EmuThread *t)
{
    if (t->index >= 32) {
        *(int32_t *)emu_shared_at(t, 0, 4 * (t->index - 32), 4, EMU_STORE, SITE(1)) = (int32_t)t->index;
        emu_barrier_arrive(t, 1, 64, SITE(2));
    } else {
        emu_barrier_sync(t, 1, 64, SITE(3));
        OUT[t->index] = *(int32_t *)emu_shared_at(t, 0, 4 * t->index, 4, EMU_LOAD, SITE(4));
    }
}

static void leave(EmuThread *t) { emu_exit(t); }

/* Threads that have ended count at no barrier. */
static void early_exit(EmuThread *t)
{
    if (t->index % 2)
        leave(t);
    emu_barrier_sync(t, 0, 0, SITE(1));
    OUT[t->index] = 1;
}

static void shuffles(EmuThread *t)
{
    bool inside;
    uint32_t c = (uint32_t)N;    /* clamp and segment mask, as PTX encodes them */
    static const int modes[] = {EMU_SHFL_UP, EMU_SHFL_DOWN, EMU_SHFL_BFLY, EMU_SHFL_IDX};
    for (int i = 0; i < 4; i++) {
        uint32_t clamp = i == 0 ? c & ~0x1fu : c;
        uint32_t value = emu_shfl(t, modes[i], t->index, 5, clamp, ALL, &inside, SITE(1));
        OUT[4 * t->index + i] = (int32_t)(value + (inside ? 0 : 1000));
    }
}

static void warp_operations(EmuThread *t)
{
    bool flag;
    uint32_t *out = (uint32_t *)&OUT[9 * t->index], lane = t->index;
    out[0] = emu_match_any(t, lane % 3, ALL, SITE(1));
    out[1] = emu_match_all(t, 7, ALL, &flag, SITE(2)) + flag;
    out[2] = emu_redux(t, EMU_REDUX_ADD, lane, ALL, SITE(3));
    out[3] = emu_redux(t, EMU_REDUX_MIN_S32, (uint32_t)((int32_t)lane - 5), ALL, SITE(4));
    out[4] = emu_vote(t, EMU_VOTE_BALLOT, lane % 2, ALL, SITE(5));
    out[5] = emu_vote(t, EMU_VOTE_ALL, true, ALL, SITE(6)) + 2 * emu_vote(t, EMU_VOTE_UNI, lane == 3, ALL, SITE(6));
    out[6] = emu_elect(t, ALL, &flag, SITE(7)) + 100 * flag;
    out[7] = lane < 8 ? emu_redux(t, EMU_REDUX_XOR, lane, 0xff, SITE(8)) : 99;
    out[8] = lane % 3 == 0 ? emu_activemask(t, SITE(9)) : emu_activemask(t, SITE(10));
}

static void phases(EmuThread *t)
{
    void *barrier = emu_shared_at(t, 0, 0, 8, EMU_ATOMIC, SITE(1));
    if (t->index == 0)
        emu_mbarrier_init(t, barrier, t->block->threads, SITE(2));
    emu_barrier_sync(t, 0, 0, SITE(3));
    for (int round = 0; round < 3; round++) {
        __atomic_fetch_add(&OUT[0], 1, __ATOMIC_RELAXED);
        uint64_t state = emu_mbarrier_arrive(t, barrier, 1, 0, false, SITE(4));
        while (!emu_mbarrier_test(t, barrier, state, SITE(5))) {
        }
        if (OUT[0] < (round + 1) * (int32_t)t->block->threads)
            OUT[1]++;
        emu_barrier_sync(t, 0, 0, SITE(6));
    }
}

/* A copy happens when it is waited for, group by group. */
static void asynchronous_copies(EmuThread *t)
{
    int32_t *to = emu_shared_at(t, 0, 0, 4, EMU_STORE, SITE(1)), from[3] = {11, 22, 33};
    for (int i = 0; i < 3; i++) {
        to[i] = -1;
        emu_cp_async(t, &to[i], &from[i], 4, i == 2 ? 0 : 4, SITE(2));
        emu_cp_async_commit(t);
    }
    OUT[0] = to[0];
    emu_cp_async_wait(t, 2);
    OUT[1] = to[0];
    OUT[2] = to[1];
    emu_cp_async_wait(t, 0);
    OUT[3] = to[1];
    OUT[4] = to[2];
}

/* The first block waits for the last one, without a cooperative launch. */
static void wait_for_the_last_block(EmuThread *t)
{
    uint32_t last = t->block->nctaid[0] - 1;
    if (t->block->ctaid[0] == last)
        __atomic_store_n(&OUT[0], 7, __ATOMIC_RELEASE);
    else
        while (__atomic_load_n(&OUT[0], __ATOMIC_ACQUIRE) != 7)
            emu_spin(t);
    __atomic_fetch_add(&OUT[1], 1, __ATOMIC_RELAXED);
}

static void wait_for_the_last_thread(EmuThread *t)
{
    if (t->index == t->block->threads - 1)
        emu_atom_exch_b32(t, &OUT[0], 5);
    while (emu_atom_add_u32(t, &OUT[0], 0) != 5) {
    }
    emu_atom_add_u32(t, &OUT[1], 1);
}

static void add_up(EmuThread *t) { emu_atom_add_u32(t, &OUT[0], GLOBAL_INDEX); }

static void wait_for_too_many(EmuThread *t) { emu_barrier_sync(t, 3, t->block->threads + 32, SITE(21)); }

static void lanes_that_never_come(EmuThread *t)
{
    if (t->index < 4)
        emu_syncwarp(t, 0xff, SITE(22));
    else
        emu_barrier_sync(t, 0, 0, SITE(23));
}

static void two_barriers(EmuThread *t)
{
    if (t->index == 0)
        emu_barrier_sync(t, 0, 0, SITE(24));
    else
        emu_barrier_sync(t, 0, 0, SITE(25));
}

static void barrier_sixteen(EmuThread *t) { emu_barrier_sync(t, 16, 0, SITE(26)); }

static __attribute__((noinline, noclone)) int32_t dig(EmuThread *t, int32_t depth)
{
    volatile uint8_t room[512];
    room[depth % 512] = 1;
    return depth == 0 ? 0 : dig(t, depth - 1) + room[depth % 512];
}

static void deep_recursion(EmuThread *t) { OUT[0] = dig(t, N); }

static void divide(EmuThread *t) { OUT[0] = 100 / (volatile int32_t){N}; }

static void wild_pointer(EmuThread *t) { *(volatile int32_t *)(intptr_t)N = (int32_t)t->index; }

static void trap(EmuThread *t)
{
    if (GLOBAL_INDEX == (uint32_t)N)
        emu_trap(t, SITE(27));
}

static const EmuParameter parameters[] = {{0, 8}, {8, 4}};
#define KERNEL(function) {.name = #function, .run = function, .parameters = parameters, .parameter_count = 2, .parameter_bytes = 12,    \
                          .shared_bytes = 4096}
static const EmuKernel kernels[] = {
    KERNEL(rotate), KERNEL(barrier_reductions), KERNEL(named_barrier), KERNEL(early_exit), KERNEL(shuffles), KERNEL(warp_operations),
    KERNEL(phases), KERNEL(asynchronous_copies), KERNEL(wait_for_the_last_block), KERNEL(wait_for_the_last_thread), KERNEL(add_up),
    KERNEL(wait_for_too_many), KERNEL(lanes_that_never_come), KERNEL(two_barriers), KERNEL(barrier_sixteen), KERNEL(deep_recursion),
    KERNEL(divide), KERNEL(wild_pointer), KERNEL(trap),
};
static EmuSite sites[100];
static void number_sites(void)
{
    for (uint32_t i = 0; i < 100; i++)
        sites[i] = (EmuSite){.line = i, .ptx_line = i};
}
static const char *const files[] = {"engine_kernels.c"};
const EmuModule emu_module = {
    .abi = EMU_ABI, .checks = EMU_CHECKS, .target = 80, .kernel_count = sizeof kernels / sizeof *kernels, .site_count = 100,
    .file_count = 1, .kernels = kernels, .sites = sites, .files = files, .initialise = number_sites,
};
