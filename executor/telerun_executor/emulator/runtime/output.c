/* printf, assert, trap and malloc of kernels. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "allocation.h"
#include "error.h"
#include "output.h"
#include "report.h"

typedef struct Text {
    char *bytes;
    size_t length, room;
} Text;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Text waiting;
static size_t limit = (size_t)1 << 20;

/* What one printf writes is put together here, without the lock: its strings may be anywhere, and reading them may
 * fault. */
static _Thread_local Text line;

static void append(Text *text, const char *bytes, size_t count)
{
    if (text->length + count > text->room) {
        size_t room = (text->length + count) * 2 + 4096;
        char *grown = realloc(text->bytes, room);
        if (grown == NULL)
            return;
        text->bytes = grown;
        text->room = room;
    }
    memcpy(text->bytes + text->length, bytes, count);
    text->length += count;
}

static void flush_locked(void)
{
    if (waiting.length == 0)
        return;
    fwrite(waiting.bytes, 1, waiting.length, stdout);
    fflush(stdout);
    waiting.length = 0;
}

void emu_output_flush(void)
{
    pthread_mutex_lock(&lock);
    flush_locked();
    pthread_mutex_unlock(&lock);
}

size_t emu_output_waiting(void) { return waiting.length; }
void emu_output_limit(size_t bytes) { limit = bytes; }

/* One conversion: copies its specification, asks the C library to format it, and appends. Returns what follows it. */
static const char *convert(const char *format, const uint8_t *arguments, size_t *offset)
{
    char specification[64] = "%", *made;
    size_t used = 1;
    bool is_long = false;
    int bytes;
    for (format++; *format != '\0' && !strchr("diouxXeEfFgGaAcspn%", *format); format++) {
        if (*format == '*') {    /* width or precision from the arguments: put the number itself there */
            int32_t number;
            *offset = (*offset + 3) & ~(size_t)3;
            memcpy(&number, arguments + *offset, 4);
            *offset += 4;
            used += (size_t)snprintf(specification + used, 12, "%d", number);
        } else if (strchr("lzjtq", *format)) {
            is_long = true;
        } else if (*format != 'L' && used < 40) {
            specification[used++] = *format;    /* flags, digits, h */
        }
    }
    char kind = *format;
    if (kind == '\0')
        return format;
    if (kind == '%') {
        append(&line, "%", 1);
        return format + 1;
    }
    if (strchr("eEfFgGaA", kind)) {
        double number;
        *offset = (*offset + 7) & ~(size_t)7;
        memcpy(&number, arguments + *offset, 8);
        *offset += 8;
        specification[used] = kind;
        bytes = asprintf(&made, specification, number);
    } else if (kind == 's') {
        uint64_t address;
        *offset = (*offset + 7) & ~(size_t)7;
        memcpy(&address, arguments + *offset, 8);
        *offset += 8;
        specification[used] = 's';
        bytes = asprintf(&made, specification, address ? (const char *)emu_host(address) : "(null)");
    } else if (kind == 'p' || is_long) {
        uint64_t number;
        *offset = (*offset + 7) & ~(size_t)7;
        memcpy(&number, arguments + *offset, 8);
        *offset += 8;
        if (kind != 'p')
            specification[used++] = 'l';
        specification[used] = kind;
        if (kind == 'n')
            return format + 1;
        bytes = asprintf(&made, specification, number);
    } else {
        uint32_t number;
        *offset = (*offset + 3) & ~(size_t)3;
        memcpy(&number, arguments + *offset, 4);
        *offset += 4;
        if (kind == 'n')
            return format + 1;
        specification[used] = kind;
        bytes = asprintf(&made, specification, number);
    }
    if (bytes >= 0) {
        append(&line, made, (size_t)bytes);
        free(made);
    }
    return format + 1;
}

int32_t emu_vprintf(EmuThread *t, uint64_t format, uint64_t arguments, uint32_t site)
{
    (void)t, (void)site;
    const char *at = emu_host(format);
    size_t offset = 0;
    int32_t conversions = 0;
    line.length = 0;
    while (*at != '\0') {
        const char *percent = strchrnul(at, '%');
        append(&line, at, (size_t)(percent - at));
        at = percent;
        if (*at == '%') {
            conversions += at[1] != '%';
            at = convert(at, emu_host(arguments), &offset);
        }
    }
    pthread_mutex_lock(&lock);
    append(&waiting, line.bytes, line.length);
    if (waiting.length > limit)
        flush_locked();
    pthread_mutex_unlock(&lock);
    return conversions;
}

_Noreturn void emu_trap(EmuThread *t, uint32_t site)
{
    emu_fault(emu_thread(t), site, cudaErrorLaunchFailure, "the kernel executed a trap instruction");
}

_Noreturn void emu_unsupported(EmuThread *t, const char *what, uint32_t site)
{
    emu_fault(emu_thread(t), site, cudaErrorNotSupported, "%s", what);
}

_Noreturn void emu_assertfail(EmuThread *t, uint64_t message, uint64_t file, uint32_t line, uint64_t function,
                              uint64_t char_bytes, uint32_t site)
{
    Thread *thread = emu_thread(t);
    (void)char_bytes;
    fprintf(stderr, "%s:%u: %s: block: [%u,%u,%u], thread: [%u,%u,%u] Assertion `%s` failed.\n", (char *)emu_host(file),
            line, (char *)emu_host(function), t->block->ctaid[0], t->block->ctaid[1], t->block->ctaid[2], t->tid[0],
            t->tid[1], t->tid[2], (char *)emu_host(message));
    emu_fault(thread, site, cudaErrorAssert, "assertion `%s` failed (%s:%u)", (char *)emu_host(message),
              (char *)emu_host(file), line);
}

/* --- malloc and free ---------------------------------------------------------------------------------------------- */

static _Atomic size_t heap_used;
static size_t heap_bytes = (size_t)8 << 20;

void emu_heap_limit(size_t bytes) { heap_bytes = bytes; }
void emu_heap_reset(void) { heap_used = 0; }

uint64_t emu_malloc(EmuThread *t, uint64_t bytes)
{
    (void)t;
    if (bytes == 0)
        return 0;
    if (bytes > heap_bytes || atomic_fetch_add(&heap_used, bytes) + bytes > heap_bytes) {
        if (bytes <= heap_bytes)
            atomic_fetch_sub(&heap_used, bytes);
        return 0;
    }
    return emu_allocate(bytes, HEAP_MEMORY, "malloc in a kernel");
}

void emu_free(EmuThread *t, uint64_t address, uint32_t site)
{
    Allocation found;
    char words[500];
    if (address == 0)
        return;
    bool is_there = emu_find(address, &found);
    switch (emu_release(address, 1u << HEAP_MEMORY)) {
    case FREED:
        atomic_fetch_sub(&heap_used, is_there ? found.high - found.low : 0);
        memset(t->recent, 0, EMU_RECENT * sizeof *t->recent);
        break;
    case FREED_BEFORE:
        emu_fault(emu_thread(t), site, cudaErrorIllegalAddress, "free of %#lx, which was freed before", address);
    default:
        emu_describe(address, words, sizeof words);
        emu_fault(emu_thread(t), site, cudaErrorIllegalAddress, "free of %#lx, which malloc did not return: %s",
                  address, words);
    }
}

/* --- Time --------------------------------------------------------------------------------------------------------- */

uint64_t emu_globaltimer(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t emu_clock64(EmuThread *t)
{
    emu_spin(t);    /* loops that wait for the clock wait for others too */
    return __builtin_ia32_rdtsc();
}

/* --- 128-bit atomics ---------------------------------------------------------------------------------------------- */

static pthread_mutex_t wide = PTHREAD_MUTEX_INITIALIZER; /* plain loads of such a place are not atomic with these */

static void touch(const void *at) { (void)*(const volatile uint8_t *)at; } /* a fault must not come under the lock */

void emu_atom_cas_b128(EmuThread *t, void *at, const uint64_t expected[2], const uint64_t value[2], uint64_t old[2])
{
    emu_spin(t);
    touch(at);
    pthread_mutex_lock(&wide);
    memcpy(old, at, 16);
    if (memcmp(old, expected, 16) == 0)
        memcpy(at, value, 16);
    pthread_mutex_unlock(&wide);
}

void emu_atom_exch_b128(EmuThread *t, void *at, const uint64_t value[2], uint64_t old[2])
{
    emu_spin(t);
    touch(at);
    pthread_mutex_lock(&wide);
    memcpy(old, at, 16);
    memcpy(at, value, 16);
    pthread_mutex_unlock(&wide);
}
