/* Device memory: one reserved range of addresses, and the table of everything that kernels may touch. */
#ifndef TELERUN_ALLOCATION_H
#define TELERUN_ALLOCATION_H

#include "kernel.h"

typedef enum AllocationKind {
    DEVICE_MEMORY,      /* cudaMalloc: EMU_DEVICE_BIT is set in its addresses */
    MANAGED_MEMORY,     /* the same address for host and device */
    PINNED_MEMORY,
    REGISTERED_MEMORY,  /* cudaHostRegister: not ours to free */
    VARIABLE,           /* of a module; managed ones have no device bit */
    HEAP_MEMORY,        /* malloc in a kernel */
} AllocationKind;

typedef struct Allocation {
    uint64_t low, high;     /* [low, high): what was asked for, as generic addresses */
    uint64_t end;           /* the place it takes ends here */
    AllocationKind kind;
    bool freed;             /* in quarantine: its addresses are not used again for a while */
    int device;             /* that was current */
    const char *made_by;    /* "cudaMalloc"; for a variable its name */
} Allocation;

/* Takes memory; 0 when there is not enough. */
uint64_t emu_allocate(uint64_t bytes, AllocationKind kind, const char *made_by);

/* Enters memory that is not from emu_allocate (variables, registered host memory). */
void emu_enter_allocation(uint64_t address, uint64_t bytes, AllocationKind kind, const char *made_by);
void emu_forget_allocation(uint64_t address);

typedef enum FreeResult { FREED, FREED_BEFORE, NOT_ALLOCATED, OF_ANOTHER_KIND } FreeResult;
FreeResult emu_release(uint64_t address, uint32_t kinds);    /* kinds: bits 1 << AllocationKind that may be freed */

/* The living or quarantined allocation that holds the address. False if there is none. */
bool emu_find(uint64_t address, Allocation *found);

/* Words for a report: "4 bytes after the end of a block of 1024 bytes allocated by cudaMalloc (0x...)". */
void emu_describe(uint64_t address, char *room, size_t bytes);

/* checks.c: a generic address as a host pointer, with the checks that the kernel's module was compiled with. */
void *emu_checked_at(EmuThread *t, uint64_t address, uint32_t bytes, int access, uint32_t site);

uint64_t emu_memory_total(void);
uint64_t emu_memory_used(void);
void emu_release_all(void);                                  /* cudaDeviceReset */
uint64_t emu_report_leaks(void);                             /* bytes; one line each */

#endif
