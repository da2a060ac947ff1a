/* What a hostile program would try, and must not succeed with: the self-test of the sandbox.
 *
 * probe       tries everything that is refused at once; one line each: "held NAME" or "BROKEN NAME: how"
 * probe fork  starts processes until it is refused one, prints how many it got
 * probe fill  writes to its folder until it is refused, prints how many bytes it got
 * probe memory  takes memory until it is ended
 *
 * It refuses to run as root among all the processes of a machine, where it would act on them.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INITIAL_PROCESS_NAMESPACE "4026531836"

extern char **environ;

static void held(const char *name, int broken, const char *how) {
    if (broken)
        printf("BROKEN %s: %s\n", name, how);
    else
        printf("held %s\n", name);
}

static int others(void) {
    int count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));)
        count += isdigit((unsigned char)entry->d_name[0]) != 0;
    return proc ? count - 2 : 0; /* not the first process, and not this one */
}

static int can_open(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static int can_socket(int domain) {
    int fd = socket(domain, SOCK_STREAM, 0);
    if (fd < 0) fd = socket(domain, SOCK_DGRAM, 0);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static int can_connect(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(0xc0000201)}};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    int reached = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0) close(fd);
    return reached;
}

static void try_everything(void) {
    held("other-processes", others() > 0, "they can be seen");
    held("other-processes-signalled", kill(-1, 0) == 0, "they can be sent signals");
    held("first-process-traced", ptrace(PTRACE_SEIZE, 1, 0, 0) == 0, "it can be traced");
    held("root", setuid(0) == 0, "it can become root");
    held("read-only-system", can_open("/usr/telerun-probe", O_CREAT | O_WRONLY), "/usr can be written to");
    held("read-only-root", can_open("/telerun-probe", O_CREAT | O_WRONLY), "/ can be written to");
    held("read-only-dev", can_open("/dev/telerun-probe", O_CREAT | O_WRONLY), "/dev can be written to");
    held("secrets", can_open("/etc/shadow", O_RDONLY), "/etc/shadow can be read");
    held("core-pattern", can_open("/proc/sys/kernel/core_pattern", O_WRONLY), "it can be written to");
    held("mount", mount("none", "/tmp", "tmpfs", 0, "") == 0, "it can mount");
    held("user-namespace", unshare(CLONE_NEWUSER) == 0, "it can make one");
    held("device-files", mknod("probe-device", S_IFCHR | 0600, makedev(1, 1)) == 0, "it can make them");
    held("vsock", can_socket(AF_VSOCK), "it can open one");
    held("kernel-crypto", can_socket(AF_ALG), "it can open a socket");
    held("netlink", can_socket(AF_NETLINK), "it can open a socket");
    held("key-rings", syscall(SYS_keyctl, 0, -3, 1) >= 0, "it has them");
    held("io-uring", syscall(425, 1, NULL) >= 0 || errno != ENOSYS, "it exists");
    held("bpf", syscall(SYS_bpf, 0, NULL, 0) >= 0 || errno != ENOSYS, "it exists");
    held("environment", getenv("TELERUN_SELF_TEST") != NULL, "it is the executor's");
    if (!getenv("NETWORK")) held("network", can_connect(), "it has a way out");
}

static void fork_until_refused(void) {
    int count = 0;
    while (count < 10000) {
        pid_t child = fork();
        if (child == 0) {
            pause();
            _exit(0);
        }
        if (child < 0) break;
        count++;
    }
    printf("%d\n", count);
}

static void fill(void) {
    static char block[1 << 16];
    unsigned long long total = 0;
    int fd = open("fill", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    for (ssize_t wrote; (wrote = write(fd, block, sizeof block)) > 0;) total += (unsigned long long)wrote;
    printf("%llu\n", total);
}

static void take_memory(void) {
    for (size_t taken = 0; taken < ((size_t)1 << 31); taken += 1 << 20) {
        char *block = malloc(1 << 20);
        if (!block) break;
        memset(block, 1, 1 << 20);
    }
    puts("it could take 2 GiB");
}

int main(int argc, char **argv) {
    char space[64] = {0};
    ssize_t got = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    if (getuid() == 0 && (got <= 0 || strstr(space, INITIAL_PROCESS_NAMESPACE))) {
        fputs("probe: refusing to run as root among all processes\n", stderr);
        return 99;
    }
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "fork"))
        fork_until_refused();
    else if (!strcmp(what, "fill"))
        fill();
    else if (!strcmp(what, "memory"))
        take_memory();
    else
        try_everything();
    return 0;
}
