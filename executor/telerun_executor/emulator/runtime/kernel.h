/* What a translated kernel library sees: thread and block, memory, barriers, warps, atomics, and how it describes itself.
 *
 * The contract between the translator (PTX to C) and the runtime. A kernel library is one C file that includes this header
 * and defines `emu_module`; it is compiled with
 *
 *     gcc -std=gnu11 -O2 -fPIC -shared -fno-strict-aliasing -fwrapv -ffp-contract=off -I<this folder> -DEMU_CHECKS=<bits>
 *
 * and opened by the runtime, which provides every function declared here that is not inline. All names begin with `emu_`.
 *
 * Addresses. A register holds what a GPU's register would hold: a 64-bit generic address.
 *   global  device memory (cudaMalloc, __device__, __constant__, device malloc) is the host's address with EMU_DEVICE_BIT
 *           set, so that the host cannot touch it by mistake; pinned and managed memory is the plain host address.
 *   shared  as a generic address: the host address inside the block's buffer (emu_shared_generic); in the shared space:
 *           a 32-bit offset into that buffer. Static variables come first, dynamic shared memory begins at
 *           EmuKernel.shared_bytes rounded up to 16.
 *   local   the host address of a C array on the thread's stack, in both spaces (EMU_LOCAL declares it).
 *   param   the offset into t->parameters.
 *   const   as global.
 * A register is never dereferenced directly: the emu_*_at functions below turn an address into a host pointer, and check it.
 */
#ifndef TELERUN_KERNEL_H
#define TELERUN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#pragma GCC visibility push(default)    /* the runtime is compiled with -fvisibility=hidden */

#define EMU_ABI 2                             /* changes whenever anything in these headers changes its meaning */
#define EMU_DEVICE_BIT ((uint64_t)1 << 52)    /* marks device memory; such an address faults when the host touches it */
#define EMU_DEVICE(pointer) ((uint64_t)(uintptr_t)(pointer) | EMU_DEVICE_BIT)

/* What is checked; chosen when the library is compiled, so unchecked kernels pay nothing. */
#define EMU_CHECK_MEMORY 1    /* bounds, alignment, freed memory, host pointers: global, shared and local */
#define EMU_CHECK_INIT 2      /* reads of shared memory that nobody wrote */
#define EMU_CHECK_BARRIERS 4  /* threads of one block waiting at different barriers */
#define EMU_CHECK_RACES 8     /* unordered accesses of two threads to one address */
#ifndef EMU_CHECKS
#define EMU_CHECKS 0
#endif

#define EMU_LIKELY(x) __builtin_expect(!!(x), 1)
#define EMU_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define EMU_INLINE static inline __attribute__((always_inline, unused))
#define EMU_COLD __attribute__((noinline, cold))

/* What an access does; given to the emu_*_at functions. Ordered are the volatile, relaxed, acquire and release ones. */
enum { EMU_LOAD, EMU_STORE, EMU_ATOMIC, EMU_ORDERED_LOAD, EMU_ORDERED_STORE };
#define EMU_IS_READ(access) ((access) == EMU_LOAD || (access) == EMU_ORDERED_LOAD)

/* A place in the source. A site is the index of its EmuSite in EmuModule.sites; every instruction that can fail has one. */
typedef struct EmuSite {
    uint32_t file;        /* index into EmuModule.files */
    uint32_t line;        /* from 1; 0 where the PTX has no line information */
    uint32_t function;    /* index into EmuModule.functions: the PTX function the instruction stands in */
    uint32_t ptx_line;    /* the instruction's line in the PTX, from 1 */
    bool foreign;         /* no line of the program: one of the toolkit, or none. Who called says more */
} EmuSite;

typedef struct EmuRange { uint64_t low, high; } EmuRange;   /* [low, high) in generic addresses */
#define EMU_RECENT 64                                        /* ranges remembered per block, by site */

/* One frame of local memory, linked while checks are on (EMU_LOCAL). */
typedef struct EmuFrame { uint64_t low, high; struct EmuFrame *caller; } EmuFrame;

/* A call of a device function, linked while it lasts. */
typedef struct EmuCall { uint32_t site; struct EmuCall *caller; } EmuCall;

/* A block (CTA) and its grid, read-only for kernels. */
typedef struct EmuBlock {
    uint32_t ntid[3], ctaid[3], nctaid[3];
    uint32_t threads;            /* ntid.x * ntid.y * ntid.z */
    uint32_t warps;              /* %nwarpid */
    uint32_t smid, nsmid;        /* the OS thread that runs the block, and how many there are */
    uint32_t shared_static;      /* bytes of static shared memory */
    uint32_t shared_dynamic;     /* %dynamic_smem_size */
    uint64_t gridid;             /* %gridid */
    uint64_t grid_workspace;     /* %envreg1 is its upper half, %envreg2 its lower half: the barrier of cooperative grids */
} EmuBlock;

/* A thread. The fields are read-only for kernels, except `frame` and `call`. Private state of the runtime follows it in memory. */
typedef struct EmuThread {
    uint32_t tid[3];
    uint32_t index;              /* in the block: x + ntid.x * (y + ntid.y * z); lane = index % 32, warp = index / 32 */
    uint8_t *shared;             /* host address of the block's shared memory */
    uint32_t shared_bytes;       /* static and dynamic together */
    uint32_t patience;           /* atomics and volatile loads left until others get a turn */
    const uint8_t *parameters;   /* the launch's parameter block */
    const EmuBlock *block;
    struct EmuCall *call;        /* the innermost call that the thread is in, NULL in the kernel itself */
    EmuFrame *frame;             /* innermost frame of local memory, only while checks are on */
    uint64_t stack_low, stack_high;
    uint8_t *shared_written;     /* one byte per byte of shared memory: nonzero when written (EMU_CHECK_INIT) */
    EmuRange *recent;            /* EMU_RECENT allocations that were hit last */
} EmuThread;

/* --- How a library describes itself --------------------------------------------------------------------------------- */

typedef struct EmuParameter { uint32_t offset, bytes; } EmuParameter;

typedef struct EmuKernel {
    const char *name;                 /* mangled, as in the PTX */
    void (*run)(EmuThread *t);        /* one thread from entry to ret; parameters stand at t->parameters */
    const EmuParameter *parameters;
    uint32_t parameter_count;
    uint32_t parameter_bytes;         /* of the whole block */
    uint32_t shared_bytes;            /* static shared memory, the same offsets for every kernel of the module is fine */
    uint32_t local_bytes;             /* local memory per thread, without what callees need; 0 if none */
    uint32_t max_threads;             /* product of .maxntid or .reqntid, 0 if there is none */
    uint32_t required_threads[3];     /* .reqntid, all 0 if there is none */
    uint32_t registers;               /* declared 32-bit registers, an estimate for cudaFuncGetAttributes */
    uint32_t flags;                   /* EMU_KERNEL_* */
    const char *unsupported;          /* why it cannot be launched, or NULL */
    uint32_t unsupported_site;
} EmuKernel;

#define EMU_KERNEL_MEETS 1       /* it may call barriers or warp operations (a hint: stacks are made ready at once) */
#define EMU_KERNEL_DYNAMIC 2     /* it uses dynamic shared memory (extern __shared__) */

enum { EMU_GLOBAL_VARIABLE, EMU_CONSTANT_VARIABLE, EMU_MANAGED_VARIABLE };

/* A __device__, __constant__ or __managed__ variable. It lives in the library's own data; leave at least 16 unused bytes
 * between two of them, so that an access past the end of one is seen. Kernels name a variable by EMU_DEVICE(&variable), and a
 * managed one (.attribute(.managed)) by its plain address, which the host uses too. */
typedef struct EmuVariable {
    const char *name;
    void *address;       /* host address, without EMU_DEVICE_BIT */
    uint64_t bytes;
    uint32_t kind;
} EmuVariable;

typedef struct EmuModule {
    uint32_t abi;                     /* EMU_ABI */
    uint32_t checks;                  /* EMU_CHECKS */
    uint32_t target;                  /* 80 for sm_80 */
    uint32_t kernel_count, variable_count, site_count, file_count, function_count;
    const EmuKernel *kernels;
    const EmuVariable *variables;
    const EmuSite *sites;
    const char *const *files;
    const char *const *functions;     /* mangled names, for reports */
    void (*initialise)(void);         /* run once after loading (initialisers that hold addresses), or NULL */
} EmuModule;

extern const EmuModule emu_module;    /* defined by every kernel library */

/* --- Ends of a thread, time, output, heap ---------------------------------------------------------------------------- */

_Noreturn void emu_exit(EmuThread *t);                        /* `exit` inside a called function */
_Noreturn void emu_trap(EmuThread *t, uint32_t site);         /* `trap`, `brkpt`: error 719 */
_Noreturn void emu_assertfail(EmuThread *t, uint64_t message, uint64_t file, uint32_t line, uint64_t function,
                              uint64_t char_bytes, uint32_t site);                          /* error 710 */
_Noreturn void emu_unsupported(EmuThread *t, const char *what, uint32_t site);   /* reached code that cannot be run */
int32_t emu_vprintf(EmuThread *t, uint64_t format, uint64_t arguments, uint32_t site);
uint64_t emu_malloc(EmuThread *t, uint64_t bytes);            /* a generic address, 0 when the device heap is full */
void emu_free(EmuThread *t, uint64_t address, uint32_t site);
uint64_t emu_clock64(EmuThread *t);                           /* %clock64; %clock is its lower half */
uint64_t emu_globaltimer(void);                               /* ns */

/* Lets the other threads and blocks run. For nanosleep, and for loops that wait for another thread. */
void emu_yield(EmuThread *t);

/* Call it in every volatile, relaxed or acquire load (the atomics below do so themselves): others get a turn now and then. */
EMU_INLINE void emu_spin(EmuThread *t)
{
    if (EMU_UNLIKELY(--t->patience == 0))
        emu_yield(t);
}

EMU_INLINE void emu_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }   /* membar, fence */

#include "kernel_memory.h"
#include "kernel_atomic.h"
#include "kernel_warp.h"
#include "kernel_copy.h"
#include "kernel_matrix.h"
#include "kernel_texture.h"

#pragma GCC visibility pop

#endif
