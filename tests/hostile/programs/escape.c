/* Ways out that must not be there. Each is tried, and told with its answer. */
#include "hostile.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static void kill_others(void) {
    tell("everyone", kill(-1, SIGKILL));
    kill(getppid(), SIGKILL); /* the init of its own namespace does not hear it */
    int seen = 0;
    for (pid_t pid = 2; pid < 33000; pid++)
        if (pid != getpid() && (kill(pid, 0) == 0 || errno != ESRCH)) seen++;
    printf("others %d\n", seen);
}

static void trace(void) {
    DIR *processes = opendir("/proc");
    int seized = 0, others = 0;
    for (struct dirent *entry; (entry = readdir(processes));) {
        pid_t pid = atoi(entry->d_name);
        if (pid < 1 || pid == getpid()) continue;
        others++;
        seized += ptrace(PTRACE_SEIZE, pid, 0, 0) == 0;
    }
    printf("others %d seized %d\n", others, seized);
}

static void families(void) {
    tell("vsock", socket(40, SOCK_STREAM, 0));
    tell("alg", socket(38, SOCK_SEQPACKET, 0));
    tell("netlink", socket(16, SOCK_RAW, 0));
    tell("packet", socket(17, SOCK_RAW, 0));
    tell("raw", socket(AF_INET, SOCK_RAW, 1));
}

static void calls(void) {
    char room[256] = {0};
    tell("keyctl", syscall(SYS_keyctl, 0, -3, 0));
    tell("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -3));
    tell("io_uring", syscall(SYS_io_uring_setup, 1, room));
    tell("userfaultfd", syscall(SYS_userfaultfd, 0));
    tell("bpf", syscall(SYS_bpf, 0, room, sizeof room));
    tell("perf", syscall(SYS_perf_event_open, room, 0, -1, -1, 0));
}

static int nothing(void *unused) { return unused != NULL; }

static void privileges(void) {
    static char stack[1 << 16];
    tell("unshare", unshare(CLONE_NEWUSER));
    tell("clone", clone(nothing, stack + sizeof stack, CLONE_NEWUSER | SIGCHLD, NULL));
    tell("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    tell("umount", umount("/tmp"));
    tell("pivot_root", syscall(SYS_pivot_root, ".", "."));
    tell("chroot", chroot("."));
    tell("setns", setns(open("/proc/self/ns/net", O_RDONLY), 0));
    tell("setuid", setuid(0));
    tell("setgid", setgid(0));
    tell("mknod", mknod("node", S_IFCHR | 0666, makedev(1, 3)));
    tell("hostname", sethostname("x", 1));
    tell("handle", syscall(SYS_open_by_handle_at, 0, NULL, 0));
}

static void kernel(void) {
    static const char *const files[] = {"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname",
                                        "/proc/sysrq-trigger", "/proc/sys/vm/overcommit_memory", "/dev/mem", "/dev/kmsg",
                                        "/dev/fuse", "/proc/kcore", "/proc/1/mem", "/proc/1/environ"};
    for (unsigned each = 0; each < sizeof files / sizeof *files; each++) {
        int write_only = strncmp(files[each], "/proc/1/", 8) != 0 && !is(files[each], "/proc/kcore");
        tell(files[each], open(files[each], write_only ? O_WRONLY : O_RDONLY));
    }
}

static void connect_to(const char *address, int port, int kind) {
    struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    inet_aton(address, &target.sin_addr);
    int fd = socket(AF_INET, kind, 0);
    int answer = connect(fd, (struct sockaddr *)&target, sizeof target);
    if (kind == SOCK_DGRAM && answer == 0) answer = (int)send(fd, "x", 1, 0);
    tell(address, answer);
}

static void priorities(void) {
    struct sched_param most = {.sched_priority = 99};
    tell("fifo", sched_setscheduler(0, SCHED_FIFO, &most));
    errno = 0;
    tell("nice", nice(-20));
    tell("priority", setpriority(PRIO_PROCESS, 0, -20));
    int file = open("/proc/self/oom_score_adj", O_WRONLY);
    tell("oom score", write(file, "-1000", 5));
}

static void terminal(void) {
    char byte;
    printf("stdin %zd\n", read(0, &byte, 1));
    tell("tty", open("/dev/tty", O_RDWR));
    tell("TIOCSTI", ioctl(1, TIOCSTI, "x"));
}

static void own_files(const char *program, int count, char **inputs) {
    tell("program", open(program, O_WRONLY));
    tell("unlink", unlink(program));
    tell("chmod", chmod(program, 0777));
    for (int each = 0; each < count; each++) tell("source", open(inputs[each], O_WRONLY | O_TRUNC));
}

static int core(void) {
    struct rlimit endless = {RLIM_INFINITY, RLIM_INFINITY};
    tell("core", setrlimit(RLIMIT_CORE, &endless));
    abort();
}

static int descriptors(void) {
    int count = 0;
    while (dup(0) >= 0) count++;
    tell("dup", -1);
    printf("at most %s\n", count < 5000 ? "5000" : "endless");
    return 7;
}

int main(int argc, char **argv) {
    tl_guard();
    const char *mode = argc > 1 ? argv[1] : "";
    if (is(mode, "kill")) kill_others();
    else if (is(mode, "ptrace")) trace();
    else if (is(mode, "families")) families();
    else if (is(mode, "calls")) calls();
    else if (is(mode, "privileges")) privileges();
    else if (is(mode, "kernel")) kernel();
    else if (is(mode, "priorities")) priorities();
    else if (is(mode, "terminal")) terminal();
    else if (is(mode, "own")) own_files(argv[0], argc - 2, argv + 2);
    else if (is(mode, "core")) return core();
    else if (is(mode, "descriptors")) return descriptors();
    else if (is(mode, "open")) {
        for (int each = 2; each < argc; each++) tell(argv[each], open(argv[each], O_RDONLY));
    } else if (is(mode, "connect")) {
        connect_to("127.0.0.1", atoi(argv[2]), SOCK_STREAM);
        connect_to("169.254.169.254", 80, SOCK_STREAM);
        connect_to("192.0.2.1", 53, SOCK_DGRAM);
    } else
        return 2;
    return 0;
}
