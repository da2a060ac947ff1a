#ifndef TELERUN_SHA256_H
#define TELERUN_SHA256_H

#include <stddef.h>

/* The SHA-256 of `bytes` as 64 hexadecimal digits and a zero. */
void emu_sha256(const void *data, size_t bytes, char hex[65]);

#endif
