/* The program's kernels: fat binaries, what they registered, and the kernel libraries made of their PTX. */
#ifndef TELERUN_MODULE_H
#define TELERUN_MODULE_H

#include "engine.h"
#include "error.h"

typedef struct Module {
    const EmuModule *table;            /* NULL until the library is loaded */
    void *library;
    _Atomic uint8_t *reported;         /* per site */
    char *ptx;                         /* zero-terminated; NULL if the fat binary has none that can be used */
    const char *refused;               /* why it cannot be loaded, NULL if it can */
    cudaError_t failed;                /* of a load that was tried */
    bool tried;
    struct Registered *managed;        /* managed variables whose host pointer is to be set */
    struct Module *next;
} Module;

/* Loads the module's library, if that was not done. Thread-safe. */
cudaError_t emu_module_load(Module *module);

/* The kernel behind a host function pointer (or a cudaKernel_t); loads its module. */
cudaError_t emu_find_kernel(const void *function, Module **module, const EmuKernel **kernel);

/* A handle for a kernel of a module that the program loaded itself; `name` is the one in the module's table. */
const void *emu_enter_kernel(Module *module, const char *name);

/* The variable behind the address of its host shadow. */
cudaError_t emu_find_variable(const void *shadow, const EmuVariable **variable);

/* fatbinary.c: the PTX for the device's compute capability in a fat binary, as a string to be freed; NULL and *refused if none. */
char *emu_ptx_of_fatbinary(const void *fatbinary, const char **refused);

/* library.c: finds or makes the kernel library of a PTX and opens it. */
cudaError_t emu_open_library(Module *module);

/* module.c, as nvcc declares it for C++ */
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function);

/* settings.c */
uint32_t emu_setting_checks(void);
uint64_t emu_setting(const char *name, uint64_t otherwise);

#endif
