/* The emulated device's size, and the limits that a program can set. */
#ifndef TELERUN_LIMITS_H
#define TELERUN_LIMITS_H

#include "kernel.h"

#define EMU_SM_COUNT 8                   /* bounds cooperative grids; blocks run on as many CPUs as there are */
#define EMU_THREADS_PER_SM 1024
#define EMU_BLOCKS_PER_SM 16
#define EMU_SHARED_PER_SM (164u << 10)
#define EMU_SHARED_PER_BLOCK (48u << 10)
#define EMU_SHARED_OPTIN (163u << 10)
#define EMU_REGISTERS 65536

size_t emu_stack_limit(void);                                     /* cudaLimitStackSize */
uint32_t emu_dynamic_shared_limit(const EmuKernel *kernel);       /* what cudaFuncSetAttribute allowed */
int emu_blocks_per_sm(const EmuKernel *kernel, uint32_t threads, size_t shared_dynamic);
int emu_device_count(void);
int emu_current_device(void);

#endif
