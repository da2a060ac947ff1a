/* The first process of a box: starts the program, buries the dead, and tells exactly how the program ended.
 *
 * bubblewrap alone tells a program's end by a shell's exit status, in which exit(137) and SIGKILL look the same.
 *
 * init PROGRAM [ARGUMENT...]    with the descriptors below; standard error is ours and never the program's
 *
 * On STATUS it writes a line each: "started", then "exit N", "signal N" or "failed ERRNO". Its own end, right after, ends
 * everything else in the box: it is process 1 of a process namespace.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS = 5, PROGRAM_STDERR = 6, ENVIRONMENT = 7 };

static void tell(const char *word, int number) {
    char line[64];
    int length = snprintf(line, sizeof line, "%s %d\n", word, number);
    if (write(STATUS, line, (size_t)length) != length) _exit(1);
}

/* The program's whole environment, "NAME=VALUE" ended by a zero byte each; bubblewrap itself never sees it. */
static void take_environment(void) {
    struct stat status;
    if (fstat(ENVIRONMENT, &status) != 0 || clearenv() != 0) _exit(1);
    size_t size = (size_t)status.st_size, done = 0;
    char *text = malloc(size + 1);
    if (!text) _exit(1);
    while (done < size) {
        ssize_t got = pread(ENVIRONMENT, text + done, size - done, (off_t)done);
        if (got <= 0) _exit(1);
        done += (size_t)got;
    }
    text[size] = 0;
    for (char *entry = text; entry < text + size; entry += strlen(entry) + 1)
        if (putenv(entry) != 0) _exit(1);
    close(ENVIRONMENT);
}

int main(int argc, char **argv) {
    if (argc < 2 || prctl(PR_SET_DUMPABLE, 0) != 0) return 1; /* nobody looks into this process through /proc */
    if (fcntl(STATUS, F_SETFD, FD_CLOEXEC) != 0) return 1;
    take_environment();
    tell("started", 0);
    pid_t program = fork();
    if (program < 0) {
        tell("failed", errno);
        return 1;
    }
    if (program == 0) {
        if (dup2(PROGRAM_STDERR, 2) != 2) _exit(1);
        close(PROGRAM_STDERR);
        execvp(argv[1], argv + 1);
        tell("failed", errno);
        _exit(127);
    }
    for (int fd = 0; fd < 3; fd++) close(fd); /* the pipes end when the program's own processes have closed them */
    close(PROGRAM_STDERR);
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, 0);
        if (ended < 0 && errno != EINTR) return 1;
        if (ended != program || WIFSTOPPED(status)) continue; /* it may have asked to be traced by its parent */
        if (WIFEXITED(status))
            tell("exit", WEXITSTATUS(status));
        else
            tell("signal", WTERMSIG(status));
        return 0;
    }
}
