/* The first process of a box: waits for a program to start, buries the dead, and tells exactly how the program ended.
 *
 * It waits so that a box can be made before its program is known, while a compiler is still at work. And bubblewrap alone
 * tells a program's end by a shell's exit status, in which exit(137) and SIGKILL look the same.
 *
 * On CONTROL, a socket, comes one byte with four descriptors: the program's standard streams, and a file of words that a
 * zero byte ends each: the number of arguments, the working folder, the arguments, then "NAME=VALUE" for the whole
 * environment. Back go a line each: "started 0", then "exit N", "signal N" or "failed ERRNO". Its own end, right after,
 * ends everything else in the box: it is process 1 of a process namespace.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONTROL = 5, STREAMS = 3, WORDS = STREAMS, RECEIVED = STREAMS + 1 };

static void tell(const char *word, int number) {
    char line[64];
    int length = snprintf(line, sizeof line, "%s %d\n", word, number);
    if (send(CONTROL, line, (size_t)length, MSG_NOSIGNAL) != length) _exit(1);
}

static int receive(int fds[RECEIVED]) {
    char byte;
    struct iovec part = {&byte, 1};
    union {
        char space[CMSG_SPACE(sizeof(int) * RECEIVED)];
        struct cmsghdr align;
    } ancillary;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = ancillary.space, .msg_controllen = sizeof ancillary.space};
    ssize_t got;
    do got = recvmsg(CONTROL, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (got != 1 || !header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int) * RECEIVED))
        return 0; /* whoever was to say it is gone */
    memcpy(fds, CMSG_DATA(header), sizeof(int) * RECEIVED);
    return 1;
}

static char *read_words(int fd, size_t *size) {
    struct stat status;
    if (fstat(fd, &status) != 0) return NULL;
    *size = (size_t)status.st_size;
    char *text = malloc(*size + 1);
    if (!text) return NULL;
    for (size_t done = 0; done < *size;) {
        ssize_t got = pread(fd, text + done, *size - done, (off_t)done);
        if (got <= 0) return NULL;
        done += (size_t)got;
    }
    text[*size] = 0;
    return text;
}

/* In the child: becomes the program, or returns the errno that kept it from it. */
static int become(const int fds[RECEIVED]) {
    size_t size;
    char *text = read_words(fds[WORDS], &size);
    if (!text || clearenv() != 0) return ENOMEM;
    char *end = text + size, *next = text;
    long count = strtol(next, NULL, 10);
    next += strlen(next) + 1;
    char *folder = next;
    next += strlen(next) + 1;
    char **argv = calloc((size_t)count + 1, sizeof *argv);
    if (!argv) return ENOMEM;
    for (long i = 0; i < count && next < end; i++, next += strlen(next) + 1) argv[i] = next;
    for (; next < end; next += strlen(next) + 1)
        if (putenv(next) != 0) return ENOMEM;
    if (chdir(folder) != 0) return errno;
    for (int stream = 0; stream < STREAMS; stream++)
        if (dup2(fds[stream], stream) != stream) return errno;
    execvp(argv[0], argv);
    return errno;
}

int main(void) {
    int fds[RECEIVED];
    if (prctl(PR_SET_DUMPABLE, 0) != 0) return 1; /* nobody looks into this process through /proc */
    if (fcntl(CONTROL, F_SETFD, FD_CLOEXEC) != 0) return 1;
    tell("started", 0);
    if (!receive(fds)) return 1;
    pid_t program = fork();
    if (program == 0) {
        tell("failed", become(fds));
        _exit(127);
    }
    if (program < 0) {
        tell("failed", errno);
        return 1;
    }
    for (int i = 0; i < RECEIVED; i++) close(fds[i]); /* the pipes end when the program's own processes have closed them */
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, 0);
        if (ended < 0 && errno != EINTR) return 1;
        if (ended != program || WIFSTOPPED(status)) continue; /* it may have asked its parent to trace it */
        if (WIFEXITED(status))
            tell("exit", WEXITSTATUS(status));
        else
            tell("signal", WTERMSIG(status));
        return 0;
    }
}
