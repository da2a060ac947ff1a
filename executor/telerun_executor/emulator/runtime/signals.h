/* Signals that a kernel or the program's use of device memory raises. */
#ifndef TELERUN_SIGNALS_H
#define TELERUN_SIGNALS_H

#include <signal.h>

/* For the calling thread: a stack for the handler; for the process: the handler. Cheap when called again. */
void emu_signals_ready(void);

#endif
