/* Which thread runs next: within a block on its worker, and which blocks a worker holds. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>

#include "engine.h"
#include "error.h"
#include "report.h"

_Thread_local Worker *emu_worker;

#define RESIDENT_THREADS 16384    /* of all blocks that one worker holds at a time */

static void set_stack(Thread *thread, Fiber *fiber)
{
    thread->fiber = fiber;
    thread->seen.stack_low = (uint64_t)(uintptr_t)fiber->low;
    thread->seen.stack_high = (uint64_t)(uintptr_t)fiber->high;
}

void emu_ready(Block *block, uint32_t index)
{
    block->threads[index].state = READY;
    block->fruitless = 0;
    emu_push(&block->ready, index);
}

/* The next thread of the block that can run, or NULL. Waiting ones go first: they hold a stack. */
static Thread *take_next(Block *block)
{
    Thread *next;
    if (atomic_load_explicit(&block->grid->error, memory_order_relaxed) != 0)
        return NULL;
    if (block->ready.count > 0)
        next = &block->threads[emu_pop(&block->ready)];
    else if (block->fresh < block->grid->threads)
        next = &block->threads[block->fresh++];
    else
        return NULL;
    next->state = RUNNING;
    return next;
}

/* The stack to go on with, and the current thread with it: that of `next`, or of the worker's scheduler for NULL. */
static void *stack_of(Worker *worker, Thread *next)
{
    if (next != NULL && next->fiber == NULL) {
        Fiber *fiber = emu_fiber_take(worker);
        if (fiber == NULL) {
            emu_fail(next, 0, cudaErrorMemoryAllocation, "no memory for the stacks of the block's threads");
            next = NULL;
        } else {
            set_stack(next, fiber);
        }
    }
    worker->current = next;
    return next == NULL ? worker->main : next->fiber->sp;
}

void emu_park(Thread *thread, ThreadState state, uint32_t site)
{
    Worker *worker = thread->home->worker;
    thread->state = state;
    thread->site = site;
    emu_switch(&thread->fiber->sp, stack_of(worker, take_next(thread->home)));
}

void emu_yield(EmuThread *t)
{
    Thread *thread = emu_thread(t);
    emu_push(&thread->home->spinners, t->index);
    emu_park(thread, SPINNING, 0);
    t->patience = PATIENCE_AGAIN;
}

static void end_thread(Thread *thread)
{
    Block *block = thread->home;
    if (thread->copies != NULL)
        emu_copies_finish(thread);
    thread->state = DONE;
    block->fruitless = 0;
    block->live--;
    Warp *warp = &block->warps[thread->seen.index / 32];
    warp->live &= ~(1u << thread->seen.index % 32);
    if (warp->meetings > 0)
        emu_meetings_check(thread);
    emu_barriers_check(block);
}

/* Where every fiber begins: it runs one thread after another until there is a thread that has a fiber of its own. */
void emu_fiber_main(void)
{
    Worker *worker = emu_worker;
    for (;;) {
        Thread *thread = worker->current;
        thread->home->grid->kernel->run(&thread->seen);
        end_thread(thread);
        Fiber *fiber = thread->fiber;
        thread->fiber = NULL;
        Thread *next = take_next(thread->home);
        if (next != NULL && next->fiber == NULL) {
            set_stack(next, fiber);
            worker->current = next;
            continue;
        }
        emu_fiber_give(worker, fiber);
        emu_switch(&fiber->sp, stack_of(worker, next));
    }
}

_Noreturn void emu_exit(EmuThread *t)
{
    Thread *thread = emu_thread(t);
    Worker *worker = thread->home->worker;
    end_thread(thread);
    Fiber *fiber = thread->fiber;
    thread->fiber = NULL;
    emu_fiber_reset(fiber);
    emu_fiber_give(worker, fiber);    /* a fresh thread takes it right back: the list is a stack */
    emu_resume(stack_of(worker, take_next(thread->home)));
}

_Noreturn void emu_abandon(Worker *worker)
{
    worker->current = NULL;
    emu_resume(worker->main);
}

/* Runs the block until none of its threads can go on. */
static void run_block(Worker *worker, Block *block)
{
    Thread *next = take_next(block);
    if (next == NULL)
        return;
    void *stack = stack_of(worker, next);
    if (stack != worker->main)
        emu_switch(&worker->main, stack);
    worker->current = NULL;
}

/* The worker's resident blocks form a ring; `*ring` is the one that runs next. */
static void insert(Block **ring, Block *block)
{
    if (*ring == NULL) {
        block->next = block;
    } else {
        block->next = (*ring)->next;
        (*ring)->next = block;
    }
    *ring = block;
}

static void take_out(Block **ring)
{
    Block *out = *ring, *before = out;
    while (before->next != out)
        before = before->next;
    before->next = out->next;
    *ring = out->next == out ? NULL : out->next;
}

static void keep(Worker *worker, Block *block)
{
    block->next = worker->free_blocks;
    worker->free_blocks = block;
}

/* The grid's next block, in place of one of the same grid that has ended if there is one; NULL if all have been taken. */
static Block *next_block(Worker *worker, Grid *grid, Block *ended)
{
    uint64_t number = atomic_fetch_add(&grid->next_block, 1);
    if (number >= grid->blocks)
        return NULL;
    Block *block = ended != NULL ? ended : emu_block_make(worker, grid);
    if (block == NULL) {
        emu_fail_grid(grid, cudaErrorMemoryAllocation, "no memory for a block");
        return NULL;
    }
    emu_block_begin(block, number);
    return block;
}

/* All that spin get their turn; counts the rounds in which nothing else happened. */
static void wake_spinners(Block *block)
{
    uint32_t rounds = block->fruitless + 1;
    while (block->spinners.count > 0)
        emu_ready(block, emu_pop(&block->spinners));
    block->fruitless = rounds;
    if (rounds > 4)
        sched_yield();
}

void emu_work(Worker *worker, Grid *grid)
{
    Block *ring = NULL, *ended = NULL;
    uint32_t resident = 0, patience = grid->cooperative ? 1 : 64, most = RESIDENT_THREADS / grid->threads;
    while (atomic_load_explicit(&grid->error, memory_order_relaxed) == 0) {
        if (ring == NULL || (ring->fruitless > patience && resident < most)) {
            Block *block = next_block(worker, grid, ended);
            if (block != NULL) {
                ended = NULL;
                insert(&ring, block);
                resident++;
            } else if (ring == NULL) {
                break;
            } else {
                most = 0;    /* there are no more blocks to take */
            }
        }
        Block *block = ring;
        run_block(worker, block);
        if (block->live == 0) {
            take_out(&ring);
            resident--;
            if (ended != NULL)
                keep(worker, ended);
            ended = block;
        } else if (atomic_load(&grid->error) != 0 || emu_activemasks_resolve(block)) {
            continue;
        } else if (block->spinners.count > 0) {
            wake_spinners(block);
            ring = block->next;
        } else {
            emu_report_deadlock(block);
        }
    }
    while (ring != NULL) {
        Block *block = ring;
        emu_block_drop(worker, block);
        take_out(&ring);
        keep(worker, block);
    }
    if (ended != NULL)
        keep(worker, ended);
}
