/* A fault inside a kernel ends the kernel with CUDA's error; one outside it is the program's own, with an explanation
 * where it came from touching device memory. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "allocation.h"
#include "error.h"
#include "report.h"
#include "signals.h"

#define HANDLER_STACK ((size_t)64 << 10)    /* reports are formatted on it */

static struct sigaction before[NSIG];

/* Device addresses are not valid addresses: the processor says that one was used, but not which. It is still in a
 * register. */
static uint64_t device_address_in(const ucontext_t *context)
{
    for (int i = 0; i < NGREG; i++) {
        uint64_t value = (uint64_t)context->uc_mcontext.gregs[i];
        if (value >> 47 == EMU_DEVICE_BIT >> 47)
            return value;
    }
    return 0;
}

static void explain_host_fault(const ucontext_t *context)
{
    char words[500];
    uint64_t address = device_address_in(context);
    if (address == 0)
        return;
    emu_describe(address, words, sizeof words);
    emu_say("error", "the host program used a device pointer as if it were its own: %#lx, %s; use cudaMemcpy", address,
            words);
}

static void handle(int number, siginfo_t *info, void *raw)
{
    ucontext_t *context = raw;
    Worker *worker = emu_worker;
    if (worker != NULL && worker->current != NULL) {
        Thread *thread = worker->current;
        uint64_t address = (uint64_t)(uintptr_t)info->si_addr, low = thread->seen.stack_low;
        if (number == SIGSEGV && address < low && low - address <= 65536)
            emu_fail(thread, NO_SITE, cudaErrorLaunchFailure,
                     "stack overflow: recursion or local arrays need more than %zu bytes "
                     "(cudaDeviceSetLimit(cudaLimitStackSize, ...))",
                     worker->stack_bytes);
        else if (number == SIGSEGV || number == SIGBUS)
            emu_fail(thread, NO_SITE, cudaErrorIllegalAddress,
                     "illegal access at %#lx (turn the memory checks on to see where)", address);
        else
            emu_fail(thread, NO_SITE, cudaErrorLaunchFailure, "illegal instruction or operation (signal %d)", number);
        worker->current = NULL;
        context->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)emu_resume;
        context->uc_mcontext.gregs[REG_RDI] = (greg_t)(uintptr_t)worker->main;
        context->uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)worker->main;
        return;
    }
    if (number == SIGSEGV)
        explain_host_fault(context);
    if (before[number].sa_flags & SA_SIGINFO && before[number].sa_sigaction != NULL) {
        before[number].sa_sigaction(number, info, raw);
    } else if (before[number].sa_handler != SIG_DFL && before[number].sa_handler != SIG_IGN) {
        before[number].sa_handler(number);
    } else {
        sigaction(number, &before[number], NULL);    /* happens again at once, now with the usual end */
    }
}

static void install(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, &before[numbers[i]]);
}

/* Also before the first kernel: the program may use a device pointer as its own. */
__attribute__((constructor)) void emu_signals_ready(void)
{
    static _Thread_local bool has_stack;
    static atomic_flag installed = ATOMIC_FLAG_INIT;
    if (!has_stack) {
        stack_t now;
        has_stack = true;
        if (sigaltstack(NULL, &now) == 0 && now.ss_flags & SS_DISABLE) {
            void *memory = mmap(NULL, HANDLER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            stack_t stack = {.ss_sp = memory, .ss_size = HANDLER_STACK};
            if (memory != MAP_FAILED)
                sigaltstack(&stack, NULL);
        }
    }
    if (!atomic_flag_test_and_set(&installed))
        install();
}
