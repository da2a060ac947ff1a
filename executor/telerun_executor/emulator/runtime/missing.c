/* Functions of the runtime API that are not emulated: each says its name, once, and returns cudaErrorNotSupported.
 *
 * They are weak: where another file defines the function, that one is linked instead.
 */
#include "error.h"
#include "report.h"

__attribute__((used)) static int not_emulated(const char *name, uint8_t *is_told)
{
    if (*is_told == 0)
        emu_say("error", "%s is not emulated", name);
    *is_told = 1;
    return emu_return(cudaErrorNotSupported);
}

/* Written as assembly, because the real prototypes are in the headers: a stub does not look at its arguments. */
#define FUNCTION(name)                                                                                                 \
    __asm__(".text\n.weak " #name "\n.type " #name ",@function\n" #name ":\n"                                          \
            "  lea 1f(%rip), %rdi\n  lea 2f(%rip), %rsi\n  jmp not_emulated\n"                                         \
            ".size " #name ", .-" #name "\n"                                                                           \
            ".section .rodata\n1: .asciz \"" #name "\"\n.bss\n2: .zero 1\n.text\n");

/* cudaMemcpyAsync_ptsz and so on: with one way to run everything, the default stream per thread is no other. */
#define PER_THREAD(name, suffix)                                                                                       \
    __asm__(".text\n.globl " #name #suffix "\n.type " #name #suffix ",@function\n" #name #suffix ":\n"                 \
            "  jmp " #name "@PLT\n.size " #name #suffix ", .-" #name #suffix "\n");

#include "api_names.h"
