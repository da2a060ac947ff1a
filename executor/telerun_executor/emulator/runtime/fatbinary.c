/* Fat binaries: the containers in which nvcc puts the PTX of a program.
 *
 * A container: magic 0xba55ed50, version u16, header bytes u16, payload bytes u64; then entries: kind u16 (1 PTX, 2
 * ELF), version u16, header bytes u32, payload bytes u64, compressed bytes u32, ..., architecture u32 at 28, flags u64
 * at 40.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "module.h"

#define MAGIC 0xba55ed50u
#define KIND_PTX 1

static uint64_t read_number(const uint8_t *at, size_t bytes)
{
    uint64_t number = 0;
    memcpy(&number, at, bytes);    /* little endian, as the file */
    return number;
}

static bool is_text(const uint8_t *payload, uint64_t bytes) { return memmem(payload, bytes, ".version", 8) != NULL; }

char *emu_ptx_of_fatbinary(const void *fatbinary, const char **refused)
{
    const uint8_t *at = fatbinary, *best = NULL;
    uint64_t best_bytes = 0, best_arch = 0, arch_here = emu_setting("TELERUN_EMULATOR_ARCH", 80);
    *refused = "the program holds no PTX: build it with -gencode=arch=compute_80,code=compute_80";
    if (read_number(at, 4) != MAGIC) {
        *refused = "the program's fat binary has a form that is not known";
        return NULL;
    }
    const uint8_t *entry = at + read_number(at + 6, 2), *end = entry + read_number(at + 8, 8);
    while (entry + 64 <= end) {
        uint64_t kind = read_number(entry, 2), header = read_number(entry + 4, 4), bytes = read_number(entry + 8, 8);
        uint64_t arch = read_number(entry + 28, 4);
        if (kind == KIND_PTX) {
            if (!is_text(entry + header, bytes))
                *refused = "the program's PTX is compressed: build it with nvcc --no-compress";
            else if (arch > arch_here)
                *refused = best == NULL ? "the program's PTX is for a newer architecture than the emulated one"
                                        : *refused;
            else if (arch > best_arch)
                best = entry + header, best_bytes = bytes, best_arch = arch;
        }
        if (header + bytes == 0)
            break;
        entry += header + bytes;
    }
    if (best == NULL)
        return NULL;
    *refused = NULL;
    while (best_bytes > 0 &&
           strchr("\n\r\t ", best[best_bytes - 1]) != NULL)    /* also zeros: strchr finds the end of its string */
        best_bytes--;
    return strndup((const char *)best, best_bytes);
}
