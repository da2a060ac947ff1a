/* Findings and failures, written in one line each. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "module.h"
#include "report.h"

#define LINE_BYTES 1024

static void put(const char *severity, const char *message, const char *where, const char *place)
{
    char line[LINE_BYTES];
    int length = snprintf(line, sizeof line, "telerun emulation: %s: %s%s%s%s\n", severity, message, where,
                          place[0] != '\0' ? " at " : "", place);
    if (length >= (int)sizeof line) {
        length = sizeof line - 1;
        line[length - 1] = '\n';
    }
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        return;    /* nobody listens */
}

/* Files are named as the user knows them: without the folder (TELERUN_EMULATOR_SOURCES) where the executor put them. */
static const char *without_folder(const char *file)
{
    const char *folder = getenv("TELERUN_EMULATOR_SOURCES");
    size_t length = folder == NULL ? 0 : strlen(folder);
    if (length == 0 || strncmp(file, folder, length) != 0)
        return file;
    file += length;
    return file + strspn(file, "/");
}

const char *emu_place(const Module *module, uint32_t site, char *room, size_t bytes)
{
    room[0] = '\0';
    if (module == NULL || site >= module->table->site_count)
        return room;
    const EmuModule *table = module->table;
    const EmuSite *found = &table->sites[site];
    if (found->line > 0 && found->file < table->file_count)
        snprintf(room, bytes, "%s:%u", without_folder(table->files[found->file]), found->line);
    else
        snprintf(room, bytes, "line %u of the PTX", found->ptx_line);
    return room;
}

static bool is_foreign(const Module *module, uint32_t site)
{
    return module != NULL && site < module->table->site_count && module->table->sites[site].foreign;
}

static void put_in_thread(const char *severity, const Thread *thread, uint32_t site, const char *message)
{
    char where[512], place[512];
    const EmuBlock *block = &thread->home->seen;
    const EmuThread *seen = &thread->seen;
    const Module *module = thread->home->grid->module;
    for (const EmuCall *call = seen->call; call != NULL && is_foreign(module, site); call = call->caller)
        site = call->site;
    snprintf(where, sizeof where, " [kernel %s, block (%u,%u,%u), thread (%u,%u,%u)]", thread->home->grid->kernel->name,
             block->ctaid[0], block->ctaid[1], block->ctaid[2], seen->tid[0], seen->tid[1], seen->tid[2]);
    put(severity, message, where, emu_place(module, site, place, sizeof place));
}

void emu_say(const char *severity, const char *format, ...)
{
    char message[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    put(severity, message, "", "");
}

void emu_say_unsupported(const Module *module, const EmuKernel *kernel)
{
    char where[512], place[512];
    if (atomic_exchange(&module->reported[kernel->unsupported_site], 1))
        return;
    snprintf(where, sizeof where, " [kernel %s]", kernel->name);
    put("error", kernel->unsupported, where, emu_place(module, kernel->unsupported_site, place, sizeof place));
}

void emu_warn(Thread *thread, uint32_t site, const char *format, ...)
{
    Module *module = thread->home->grid->module;
    if (module != NULL && site < module->table->site_count && atomic_exchange(&module->reported[site], 1))
        return;
    char message[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    put_in_thread("warning", thread, site, message);
}

static bool first_failure(Grid *grid, int error)
{
    int none = 0;
    return atomic_compare_exchange_strong(&grid->error, &none, error);
}

void emu_fail(Thread *thread, uint32_t site, int error, const char *format, ...)
{
    char message[LINE_BYTES];
    va_list arguments;
    if (!first_failure(thread->home->grid, error))
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    put_in_thread("error", thread, site, message);
}

void emu_fail_grid(Grid *grid, int error, const char *format, ...)
{
    char message[LINE_BYTES], where[512];
    va_list arguments;
    if (!first_failure(grid, error))
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    snprintf(where, sizeof where, " [kernel %s]", grid->kernel->name);
    put("error", message, where, "");
}

_Noreturn void emu_fault(Thread *thread, uint32_t site, int error, const char *format, ...)
{
    char message[LINE_BYTES];
    va_list arguments;
    if (first_failure(thread->home->grid, error)) {
        va_start(arguments, format);
        vsnprintf(message, sizeof message, format, arguments);
        va_end(arguments);
        put_in_thread("error", thread, site, message);
    }
    emu_abandon(thread->home->worker);
}

uint32_t emu_checks_of(const Module *module) { return module->table->checks; }

static uint32_t count_in(const Block *block, ThreadState state, uint32_t site, Thread **first)
{
    uint32_t count = 0;
    for (uint32_t i = block->grid->threads; i-- > 0;)
        if (block->threads[i].state == state && (site == NO_SITE || block->threads[i].site == site)) {
            *first = &block->threads[i];
            count++;
        }
    return count;
}

static const char *what_it_does(const Thread *thread)
{
    return thread->state == AT_BARRIER ? "waits at the barrier" : "waits in a warp operation";
}

void emu_report_deadlock(Block *block)
{
    Thread *waiting = NULL, *other = NULL;
    char place[512], rest[700] = "";
    uint32_t ended = block->grid->threads - block->live, count = count_in(block, AT_MEETING, NO_SITE, &waiting);
    for (uint32_t i = 0; i < block->grid->threads && other == NULL; i++) {
        Thread *each = &block->threads[i];
        if (each->state != DONE && waiting != NULL && (each->state != waiting->state || each->site != waiting->site))
            other = each;
    }
    if (count == 0)
        count = count_in(block, AT_BARRIER, NO_SITE, &waiting);
    for (uint32_t i = 0; i < block->grid->threads && other == NULL; i++) {
        Thread *each = &block->threads[i];
        if (each->state != DONE && each->site != waiting->site)
            other = each;
    }
    if (other != NULL) {
        emu_place(block->grid->module, other->site, place, sizeof place);
        snprintf(rest, sizeof rest, "; thread (%u,%u,%u) %s%s%s", other->seen.tid[0], other->seen.tid[1],
                 other->seen.tid[2], what_it_does(other), place[0] ? " at " : "", place);
    } else if (ended > 0) {
        snprintf(rest, sizeof rest, "; %u of the block's %u threads have ended", ended, block->grid->threads);
    }
    if (waiting->state == AT_MEETING) {
        Warp *warp = &block->warps[waiting->seen.index / 32];
        uint32_t arrived = 0;
        for (uint32_t i = 0; i < warp->meetings; i++)
            if (warp->meeting[i].mask == waiting->mask && warp->meeting[i].site == waiting->site)
                arrived |= warp->meeting[i].arrived;
        emu_fail(waiting, waiting->site, cudaErrorLaunchFailure,
                 "deadlock: this warp operation waits for lanes 0x%08x, of which 0x%08x never come%s", waiting->mask,
                 waiting->mask & ~arrived, rest);
    } else {
        const Barrier *barrier = &block->barriers[waiting->barrier];
        emu_fail(waiting, waiting->site, cudaErrorLaunchFailure,
                 "deadlock: %u threads wait at barrier %u, which waits for %u%s", barrier->waiting.count,
                 waiting->barrier, barrier->expected == 0 ? block->live : barrier->expected, rest);
    }
}
