/* Fibers: stacks with guard pages, kept per worker, and the switch between them (x86-64 System V). */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine.h"

#define CHUNK 32    /* stacks mapped at once */

/* Stacks begin at different places of a page: else the tops of all would share a few sets of the cache. Three lines
 * each. */
#define STAGGER(number) ((size_t)(number) * 192 % 4032)

#ifndef __x86_64__
#error "the emulation's fibers are written for x86-64"
#endif

/* Only callee-saved registers live across the call; floating-point control words are the same for all threads. */
__asm__(".text\n"
        ".globl emu_switch\n.hidden emu_switch\n.type emu_switch,@function\n"
        "emu_switch:\n"
        "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
        "  mov %rsp, (%rdi)\n"
        "  mov %rsi, %rdi\n"
        ".globl emu_resume\n.hidden emu_resume\n.type emu_resume,@function\n"
        "emu_resume:\n"
        "  mov %rdi, %rsp\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n"
        "  ret\n"
        ".size emu_switch, .-emu_switch\n");

void emu_fiber_reset(Fiber *fiber)
{
    void **top = (void **)fiber->high;
    *--top = NULL;                          /* emu_fiber_main never returns; this keeps its stack aligned */
    *--top = (void *)emu_fiber_main;
    for (int saved = 0; saved < 6; saved++)
        *--top = NULL;
    fiber->sp = top;
}

static bool more_fibers(Worker *worker)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), each = worker->stack_bytes + page;
    uint8_t *chunk = mmap(NULL, CHUNK * each, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                          0);
    Fiber *fibers = malloc(CHUNK * sizeof *fibers);
    if (chunk == MAP_FAILED || fibers == NULL) {
        free(fibers);
        return false;
    }
    for (size_t i = CHUNK; i-- > 0;) {
        mprotect(chunk + i * each, page, PROT_NONE);
        fibers[i] = (Fiber){.low = chunk + i * each + page,
                            .high = chunk + (i + 1) * each - STAGGER(worker->fiber_count)};
        worker->fiber_count++;
        emu_fiber_reset(&fibers[i]);
        emu_fiber_give(worker, &fibers[i]);
    }
    return true;
}

/* NULL when memory has run out. */
Fiber *emu_fiber_take(Worker *worker)
{
    if (worker->fibers == NULL && !more_fibers(worker))
        return NULL;
    Fiber *fiber = worker->fibers;
    worker->fibers = fiber->next;
    return fiber;
}

void emu_fiber_give(Worker *worker, Fiber *fiber)
{
    fiber->next = worker->fibers;
    worker->fibers = fiber;
}

/* Called between grids, when no fiber is in use. Smaller stacks than wanted are left behind: larger ones are rare. */
bool emu_stacks_ready(Worker *worker, size_t stack_bytes)
{
    if (worker->stack_bytes < stack_bytes) {
        worker->stack_bytes = stack_bytes;
        worker->fibers = NULL;
    }
    return worker->fibers != NULL || more_fibers(worker);
}
