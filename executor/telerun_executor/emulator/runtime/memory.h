/* Taking and giving back memory, with CUDA's errors and words for what is wrong. `name` is the API function's. */
#ifndef TELERUN_MEMORY_H
#define TELERUN_MEMORY_H

#include "allocation.h"
#include "error.h"

#define EMU_ANY_DEVICE_MEMORY (1u << DEVICE_MEMORY | 1u << MANAGED_MEMORY)

cudaError_t emu_take_memory(void **memory, size_t bytes, AllocationKind kind, const char *name);
cudaError_t emu_give_memory(void *memory, uint32_t kinds, const char *name);    /* kinds: bits 1 << AllocationKind */

#endif
