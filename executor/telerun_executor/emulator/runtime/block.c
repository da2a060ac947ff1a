/* Blocks of a grid: made once per worker and grid, begun anew for each block that the worker takes. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "engine.h"
#include "races.h"
#include "report.h"

/* After a failure: the fibers of threads that did not end begin anew. */
void emu_block_drop(Worker *worker, Block *block)
{
    for (uint32_t i = 0; i < block->grid->threads; i++) {
        Thread *thread = &block->threads[i];
        if (thread->fiber != NULL) {
            emu_fiber_reset(thread->fiber);
            emu_fiber_give(worker, thread->fiber);
            thread->fiber = NULL;
        }
        free(thread->copies);
        thread->copies = NULL;
    }
}

void emu_block_begin(Block *block, uint64_t number)
{
    Grid *grid = block->grid;
    block->seen.ctaid[0] = (uint32_t)(number % grid->grid[0]);
    block->seen.ctaid[1] = (uint32_t)(number / grid->grid[0] % grid->grid[1]);
    block->seen.ctaid[2] = (uint32_t)(number / grid->grid[0] / grid->grid[1]);
    block->fresh = block->fruitless = block->epoch = 0;
    block->live = grid->threads;
    block->ready.count = block->spinners.count = 0;
    for (uint32_t i = 0; i < MAX_BARRIERS; i++)
        block->barriers[i].arrived = block->barriers[i].waiting.count = block->barriers[i].values = 0;
    for (uint32_t i = 0; i < block->seen.warps; i++) {
        uint32_t lanes = grid->threads - 32 * i;
        block->warps[i].live = lanes >= 32 ? ~0u : (1u << lanes) - 1;
        block->warps[i].meetings = block->warps[i].epoch = 0;
    }
    for (uint32_t i = 0; i < grid->threads; i++) {
        block->threads[i].state = FRESH;
        block->threads[i].seen.patience = PATIENCE;
        block->threads[i].seen.frame = NULL;
        block->threads[i].seen.call = NULL;
    }
    uint32_t shared_bytes = block->threads[0].seen.shared_bytes;
    if (block->shared_written != NULL)
        memset(block->shared_written, 0, shared_bytes);
    if (block->races != NULL)
        emu_races_begin(block);
}

/* Makes a block of this grid out of a free one: everything that is the same for all blocks of the grid. */
Block *emu_block_make(Worker *worker, Grid *grid)
{
    Block *block = worker->free_blocks;
    if (block != NULL)
        worker->free_blocks = block->next;
    else if ((block = calloc(1, sizeof *block)) == NULL ||
             (block->threads = calloc(MAX_THREADS, sizeof(Thread))) == NULL)
        return NULL;
    uint32_t checks = grid->module == NULL ? 0 : emu_checks_of(grid->module);
    uint32_t shared_static = grid->kernel->shared_bytes;
    uint32_t shared_bytes = grid->shared_dynamic ? ((shared_static + 15) & ~15u) + grid->shared_dynamic : shared_static;
    if (block->shared_room < shared_bytes || block->shared == NULL) {
        free(block->shared);
        free(block->shared_written);
        block->shared_written = NULL;
        block->shared_room = (shared_bytes + 4095) & ~(size_t)4095;
        if ((block->shared = aligned_alloc(4096, block->shared_room + 4096)) == NULL)
            return NULL;
    }
    if (checks & EMU_CHECK_INIT) {
        if (block->shared_written == NULL && (block->shared_written = malloc(block->shared_room + 4096)) == NULL)
            return NULL;
    } else {
        free(block->shared_written);
        block->shared_written = NULL;
    }
    block->worker = worker;
    block->grid = grid;
    block->seen = (EmuBlock){
        .ntid = {grid->block[0], grid->block[1], grid->block[2]},
        .nctaid = {grid->grid[0], grid->grid[1], grid->grid[2]},
        .threads = grid->threads,
        .warps = (grid->threads + 31) / 32,
        .smid = worker->index,
        .nsmid = emu_worker_count(),
        .shared_static = shared_static,
        .shared_dynamic = grid->shared_dynamic,
        .gridid = grid->id,
        .grid_workspace = EMU_DEVICE(grid->workspace),
    };
    memset(block->recent, 0, sizeof block->recent);
    if (!(checks & EMU_CHECK_RACES))
        emu_races_free(block);
    else if (block->races == NULL)
        block->races = emu_races_make();
    uint32_t index = 0;
    for (uint32_t z = 0; z < grid->block[2]; z++)
        for (uint32_t y = 0; y < grid->block[1]; y++)
            for (uint32_t x = 0; x < grid->block[0]; x++, index++) {
                Thread *thread = &block->threads[index];
                thread->home = block;
                thread->seen = (EmuThread){
                    .tid = {x, y, z},
                    .index = index,
                    .shared = block->shared,
                    .shared_bytes = shared_bytes,
                    .parameters = grid->parameters,
                    .block = &block->seen,
                    .shared_written = block->shared_written,
                    .recent = block->recent,
                };
            }
    return block;
}
