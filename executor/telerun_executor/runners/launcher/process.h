/* What the kernel offers on processes and their networks, and the standard library does not. */
#pragma once
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t put = write(fd, text, strlen(text));
    int error = errno;
    close(fd);
    errno = error;
    return put < 0 ? -1 : 0;
}

static pid_t parent_of(const char *pid) {
    char path[64], stat[512];
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t size = read(fd, stat, sizeof stat - 1);
    close(fd);
    if (size <= 0) return -1;
    stat[size] = 0;
    char *name_end = strrchr(stat, ')'); /* the name before it may hold anything */
    return name_end && strlen(name_end) > 4 ? (pid_t)atol(name_end + 4) : -1;
}

/* Sends a signal to every process below this one, but for the first `spared` generations of them. */
static void signal_all(int number, int spared) {
    size_t count = 0, space = 256, known = 0;
    struct process {
        pid_t pid, parent;
    } *all = malloc(space * sizeof *all);
    pid_t *family = NULL;
    DIR *proc = opendir("/proc");
    if (!all || !proc) goto done;
    for (struct dirent *entry; (entry = readdir(proc));) {
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        if (count == space) {
            struct process *more = realloc(all, (space *= 2) * sizeof *all);
            if (!more) goto done;
            all = more;
        }
        all[count++] = (struct process){(pid_t)atol(entry->d_name), parent_of(entry->d_name)};
    }
    family = malloc((count + 1) * sizeof *family);
    if (!family) goto done;
    family[known++] = getpid();
    for (size_t of = 0; of < known; of++)
        for (size_t i = 0; i < count; i++)
            if (all[i].parent == family[of] && known <= count) family[known++] = all[i].pid;
    for (size_t i = 1 + (size_t)spared; i < known; i++) kill(family[i], number);
done:
    if (proc) closedir(proc);
    free(family);
    free(all);
}

/* A fork whose child begins in a cgroup of version 2: joining one later costs many milliseconds. */
static pid_t fork_into(const char *cgroup) {
    if (!*cgroup) return fork();
    int folder = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return -1;
    struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)folder};
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    int error = errno;
    if (pid != 0) close(folder);
    if (pid >= 0 || (error != ENOSYS && error != EPERM && error != EINVAL && error != E2BIG)) {
        errno = error;
        return pid;
    }
    char file[4096]; /* an older kernel, or a filter around us that knows no clone3 */
    snprintf(file, sizeof file, "%s/cgroup.procs", cgroup);
    pid = fork();
    if (pid == 0 && write_file(file, "0") != 0) _exit(127);
    return pid;
}

/* Leaves the network for an empty one; 0 where that cannot be. */
static int be_alone(void) {
    if (unshare(CLONE_NEWNET) != 0) return 0;
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int done = any >= 0 && ioctl(any, SIOCSIFFLAGS, &loopback) == 0;
    if (any >= 0) close(any);
    return done;
}
