/* What the emulation has to say, on stderr, one line each:
 *
 *     telerun emulation: <severity>: <message> [kernel <name>, block (x,y,z), thread (x,y,z)] at <file>:<line>
 *
 * Severity is error, warning or note. The part in brackets and the place are left out where there is none.
 */
#ifndef TELERUN_REPORT_H
#define TELERUN_REPORT_H

#include "engine.h"

#define NO_SITE UINT32_MAX
#define PRINTS(text, first) __attribute__((format(printf, text, first)))

/* A line that no kernel caused: `severity` is "error", "warning" or "note". */
void emu_say(const char *severity, const char *format, ...) PRINTS(2, 3);

/* Why a kernel cannot be launched, at the place that it names, once. */
void emu_say_unsupported(const struct Module *module, const EmuKernel *kernel);

/* A finding that does not end the kernel; each site of a module is reported once. */
void emu_warn(Thread *thread, uint32_t site, const char *format, ...) PRINTS(3, 4);

/* Ends the grid with a CUDA error; only the first failure of a grid is reported. Returns, the caller leaves by emu_abandon. */
void emu_fail(Thread *thread, uint32_t site, int error, const char *format, ...) PRINTS(4, 5);
void emu_fail_grid(Grid *grid, int error, const char *format, ...) PRINTS(3, 4);

/* emu_fail and emu_abandon. */
_Noreturn void emu_fault(Thread *thread, uint32_t site, int error, const char *format, ...) PRINTS(4, 5);

/* "cell.cu:12", or the PTX line where there is no line information. */
const char *emu_place(const struct Module *module, uint32_t site, char *room, size_t bytes);

/* All threads of the block wait and none can go on: says who waits for whom, and fails the grid with 719. */
void emu_report_deadlock(Block *block);

uint32_t emu_checks_of(const struct Module *module);

#endif
