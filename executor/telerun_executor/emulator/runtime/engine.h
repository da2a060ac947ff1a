/* Inside the engine: grids, workers, blocks, threads and the fibers they run on. Kernels see only the first member of each.
 *
 * A grid's blocks are handed out in order to workers (OS threads, one per CPU that we may use). A worker runs the threads of a
 * block one after another on fibers: a thread that ends without waiting gives its fiber to the next one, so kernels without
 * barriers cost no switches. A thread that must wait parks, and the next runnable thread of its block goes on. Where all
 * threads of a block only spin on memory, the worker starts further blocks beside it: so locks between blocks and the
 * barrier of cooperative grids make progress.
 */
#ifndef TELERUN_ENGINE_H
#define TELERUN_ENGINE_H

#include <stdatomic.h>

#include "kernel.h"

#define MAX_THREADS 1024 /* per block */
#define MAX_WARPS 32
#define MAX_BARRIERS 16
#define PATIENCE 512 /* atomics before a thread first gives way */
#define PATIENCE_AGAIN 16 /* and after it has been given its turn again */

typedef struct Fiber {
    void *sp; /* saved stack pointer while it does not run */
    uint8_t *low, *high; /* its stack; the page below `low` is a guard */
    struct Fiber *next; /* in the worker's list of free fibers */
} Fiber;

typedef enum ThreadState { FRESH, READY, RUNNING, SPINNING, AT_BARRIER, AT_MEETING, AT_ACTIVEMASK, DONE } ThreadState;

struct Block;
struct Copies;

typedef struct Thread {
    EmuThread seen;
    struct Block *home;
    Fiber *fiber; /* NULL before it begins and after it ends */
    ThreadState state;
    uint32_t site; /* where it waits */
    uint32_t mask; /* AT_MEETING: the lanes it waits for; AT_ACTIVEMASK: the answer */
    uint32_t barrier; /* AT_BARRIER: which one */
    uint32_t result; /* of a barrier reduction */
    uint32_t synchronised; /* atomics and fences so far: orders its accesses for the race check */
    void *lane; /* what it brings to a meeting */
    struct Copies *copies; /* cp.async not yet waited for */
} Thread;

/* A queue of thread indexes; each thread stands in at most one, so it never overflows. */
typedef struct Queue {
    uint16_t place[MAX_THREADS];
    uint32_t first, count;
} Queue;

typedef struct Barrier {
    uint32_t expected; /* 0: every thread that has not ended */
    uint32_t arrived; /* waiting or only arrived */
    uint32_t site; /* of the first to arrive */
    uint32_t values; /* how many brought true */
    Queue waiting;
} Barrier;

/* What the last lane to arrive does for all: lanes[i] is what lane i brought, NULL for lanes that do not take part. */
typedef void Collective(uint32_t mask, void *lanes[32]);

typedef struct Meeting {
    uint32_t mask, arrived, site;
    Collective *collective;
} Meeting;

typedef struct Warp {
    uint32_t live; /* lanes that exist and have not ended */
    uint32_t meetings; /* how many are under way */
    uint32_t epoch; /* completed meetings, for the race check */
    Meeting meeting[32];
} Warp;

struct Worker;
struct Grid;
struct Races;

typedef struct Block {
    EmuBlock seen;
    struct Worker *worker;
    struct Grid *grid;
    struct Block *next; /* in the worker's ring of resident blocks, or in its list of free ones */
    Thread *threads;
    uint32_t fresh; /* the first thread that has not begun */
    uint32_t live; /* threads that have not ended */
    uint32_t fruitless; /* rounds of spinning without any other progress */
    uint32_t epoch; /* completed barriers, for the race check */
    Queue ready, spinners;
    Barrier barriers[MAX_BARRIERS];
    Warp warps[MAX_WARPS];
    EmuRange recent[EMU_RECENT];
    uint8_t *shared, *shared_written;
    size_t shared_room;
    struct Races *races;
} Block;

typedef struct Worker {
    void *main; /* the worker's own stack while a fiber runs */
    Thread *current; /* the thread that runs now, NULL outside kernels */
    Fiber *fibers; /* free ones */
    size_t stack_bytes;
    uint32_t fiber_count; /* made so far */
    Block *free_blocks;
    uint32_t index;
} Worker;

struct Module;

typedef struct Grid {
    const EmuKernel *kernel;
    struct Module *module;
    uint32_t grid[3], block[3];
    uint64_t blocks;
    uint32_t threads; /* per block */
    uint32_t shared_dynamic;
    uint8_t *parameters;
    bool cooperative;
    uint64_t id;
    size_t stack_bytes;
    uint32_t workers;
    uint64_t workspace[4]; /* barrier of cooperative grids */
    _Atomic uint64_t next_block;
    _Atomic int error; /* cudaError; everything stops when it is set */
} Grid;

extern _Thread_local Worker *emu_worker; /* of this OS thread, NULL until it has run a kernel */

/* fiber.c */
void emu_switch(void **save, void *to); /* saves this stack, goes on with another */
_Noreturn void emu_resume(void *to); /* goes on with another, forgets this one */
Fiber *emu_fiber_take(Worker *worker);
void emu_fiber_give(Worker *worker, Fiber *fiber);
void emu_fiber_reset(Fiber *fiber); /* its next run begins at emu_fiber_main */
void emu_fiber_main(void);
bool emu_stacks_ready(Worker *worker, size_t stack_bytes);

/* scheduler.c */
void emu_park(Thread *thread, ThreadState state, uint32_t site);
void emu_ready(Block *block, uint32_t index);
_Noreturn void emu_abandon(Worker *worker); /* after a failure: leave the fiber and its block for good */
void emu_work(Worker *worker, Grid *grid);

/* block.c */
Block *emu_block_make(Worker *worker, Grid *grid); /* NULL when memory has run out */
void emu_block_begin(Block *block, uint64_t number);
void emu_block_drop(Worker *worker, Block *block);

/* meeting.c */
void emu_barriers_check(Block *block); /* after a thread ended: it may have been the last one missing */
void emu_meetings_check(Thread *thread);
bool emu_activemasks_resolve(Block *block);

/* workers.c: runs a grid to its end on all workers; returns its error (0, 700, ...). Grids run one at a time. */
int emu_run_grid(Grid *grid);
uint32_t emu_worker_count(void);

/* copies.c */
void emu_copies_finish(Thread *thread);

/* races.c */
void emu_races_begin(Block *block);
void emu_races_free(Block *block);

EMU_INLINE Thread *emu_thread(EmuThread *t) { return (Thread *)t; }

EMU_INLINE void emu_push(Queue *queue, uint32_t index)
{
    queue->place[(queue->first + queue->count++) % MAX_THREADS] = (uint16_t)index;
}

EMU_INLINE uint32_t emu_pop(Queue *queue)
{
    uint32_t index = queue->place[queue->first];
    queue->first = (queue->first + 1) % MAX_THREADS;
    queue->count--;
    return index;
}

#endif
