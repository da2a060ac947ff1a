/* The OS threads that run blocks: as many as CPUs we may use; the one that launches takes part. They sleep between
 * grids. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "engine.h"
#include "module.h"
#include "signals.h"

#define MOST_WORKERS 256

static pthread_mutex_t launching = PTHREAD_MUTEX_INITIALIZER;    /* held while a grid runs */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;         /* guards what follows */
static pthread_cond_t has_work = PTHREAD_COND_INITIALIZER, is_idle = PTHREAD_COND_INITIALIZER;
static Grid *open_grid;          /* the grid that workers may join */
static uint64_t open_number;     /* counts open grids, so that no worker joins one twice */
static uint32_t joined, wanted;
static uint32_t started;         /* threads beside the launching ones */
static uint32_t count;

static Worker host_worker;       /* of whichever thread launches; `launching` guards it */

uint32_t emu_worker_count(void)
{
    if (count == 0) {
        cpu_set_t allowed;
        uint64_t cpus = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? (uint64_t)CPU_COUNT(&allowed) : 1;
        uint64_t asked = emu_setting("TELERUN_EMULATOR_THREADS", cpus);
        count = asked < 1 ? 1 : asked > MOST_WORKERS ? MOST_WORKERS : (uint32_t)asked;
    }
    return count;
}

static void *serve(void *index)
{
    Worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return NULL;
    worker->index = (uint32_t)(uintptr_t)index;
    emu_worker = worker;
    emu_signals_ready();
    uint64_t seen = 0;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (open_grid == NULL || seen == open_number || joined >= wanted)
            pthread_cond_wait(&has_work, &lock);
        Grid *grid = open_grid;
        seen = open_number;
        joined++;
        pthread_mutex_unlock(&lock);
        if (emu_stacks_ready(worker, grid->stack_bytes))
            emu_work(worker, grid);
        pthread_mutex_lock(&lock);
        wanted--;
        if (--joined == 0)
            pthread_cond_signal(&is_idle);
    }
    return NULL;
}

static void start_workers(uint32_t needed)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_SETMASK, &all, &before);    /* the program's signals are for its own threads */
    while (started < needed) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, serve, (void *)(uintptr_t)(started + 1)) != 0)
            break;
        started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

/* A forked child has none of the threads. */
static void forget_workers(void)
{
    pthread_mutex_init(&launching, NULL);
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&has_work, NULL);
    open_grid = NULL;
    started = joined = 0;
}

int emu_run_grid(Grid *grid)
{
    static bool watched;
    pthread_mutex_lock(&launching);
    if (!watched) {
        watched = true;
        pthread_atfork(NULL, NULL, forget_workers);
    }
    uint32_t others = emu_worker_count() - 1;
    if (grid->blocks - 1 < others)
        others = (uint32_t)(grid->blocks - 1);
    Worker *outer = emu_worker;
    emu_worker = &host_worker;
    emu_signals_ready();
    if (others > 0) {
        pthread_mutex_lock(&lock);
        start_workers(others);
        open_grid = grid;
        open_number++;
        wanted = others;
        joined = 0;
        pthread_cond_broadcast(&has_work);
        pthread_mutex_unlock(&lock);
    }
    if (emu_stacks_ready(&host_worker, grid->stack_bytes))
        emu_work(&host_worker, grid);
    else
        atomic_store(&grid->error, cudaErrorMemoryAllocation);
    if (others > 0) {
        pthread_mutex_lock(&lock);
        open_grid = NULL;
        while (joined > 0)
            pthread_cond_wait(&is_idle, &lock);
        pthread_mutex_unlock(&lock);
    }
    emu_worker = outer;
    pthread_mutex_unlock(&launching);
    return atomic_load(&grid->error);
}
