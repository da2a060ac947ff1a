/* The printf FIFO: what kernels print is shown when the host waits for the device, as on a GPU. */
#ifndef TELERUN_OUTPUT_H
#define TELERUN_OUTPUT_H

#include <stddef.h>

void emu_output_flush(void);            /* to the program's stdout */
size_t emu_output_waiting(void);        /* bytes not yet shown */
void emu_output_limit(size_t bytes);    /* cudaLimitPrintfFifoSize */
void emu_heap_limit(size_t bytes);      /* cudaLimitMallocHeapSize */
void emu_heap_reset(void);

#endif
