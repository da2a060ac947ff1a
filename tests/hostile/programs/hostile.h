/* What every hostile program begins with, and how it tells what it was answered. */
#ifndef HOSTILE_H
#define HOSTILE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* First statement of main(): such a program never acts as root on the machine itself. 4026531836 is the initial PID
 * namespace; one that cannot be read counts as that. */
static void tl_guard(void) {
    char name[128] = {0};
    ssize_t length = readlink("/proc/self/ns/pid", name, sizeof name - 1);
    if ((length <= 0 || strstr(name, "4026531836")) && getuid() == 0) {
        fprintf(stderr, "guard: refusing to run hostile code as root in the initial PID namespace\n");
        _exit(99);
    }
}

/* One line: what was tried, and "ok" or the errno. `answer` is negative where it failed. */
__attribute__((unused)) static void tell(const char *what, long answer) {
    printf("%s %s\n", what, answer < 0 ? strerrorname_np(errno) : "ok");
    fflush(stdout);
}

__attribute__((unused)) static int is(const char *mode, const char *name) { return strcmp(mode, name) == 0; }
#endif
