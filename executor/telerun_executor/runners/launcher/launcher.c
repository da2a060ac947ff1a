/* Starts one command at a time for the executor, and is the parent of everything that comes of it.
 *
 * It exists for what the executor itself cannot do well. It is small and has one thread, so a child is quickly made, begins
 * with next to no memory of its own, and may be prepared between fork and exec (session, limits, cgroups, user, death
 * signal) without risk. It adopts the orphans of the command (a "subreaper"), so its descendants are exactly the command's
 * processes, whatever session or environment they gave themselves. And when the executor dies, even by SIGKILL, its socket
 * closes and the launcher ends everything before it goes itself.
 *
 *     launcher FD [alone]
 *
 * With "alone", commands are in a network of their own where nothing is but themselves, unless they may have the machine's.
 * It is made ahead, while nobody waits for it, and anew for each.
 *
 * Over the socket come messages, each a length of 4 bytes (big-endian) and words that a zero byte ends each. "end MS" asks
 * the running command to end and kills it after so many milliseconds. "run" starts one; with its first byte come the
 * descriptors that get the numbers 0, 1, 2 and so on. After it come the folder to run in, the user and group to become
 * (-1: stay), 1 for the machine's network, a folder of a cgroup of version 2 to begin in (empty: none), how many generations
 * of processes are a sandbox's own and hear no SIGTERM, and five lists, each a count and its words: cgroup files to enter by, files that
 * end a whole cgroup, limits ("NUMBER SOFT HARD"), the arguments, and the environment ("NAME=VALUE").
 *
 * Each command is answered by a line of JSON: {"exit_code" or "signal", "wall_time_s", "cpu_time_s", "peak_memory_bytes"},
 * {"failed", "errno"} when it could not be started, or {"stuck"} when something of it cannot be killed.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "message.h"
#include "process.h"

enum { UNKILLABLE_AFTER_S = 5, LOOK_AGAIN_MS = 50 };
#define OOM_SCORE "500" /* when memory runs out, a job goes before the executor */

static int deaths;       /* a descriptor that tells when a child has ended */
static int network = -1; /* the machine's, where not every command is to have it */

struct command {
    char *folder, *cgroup, **cgroups, **kills, **limits, **argv, **env;
    long user;
    int has_network, spared;
};

static struct command read_command(struct message *message) {
    struct command command = {.folder = word(message)};
    command.user = atol(word(message));
    command.has_network = atoi(word(message));
    command.cgroup = word(message);
    command.spared = atoi(word(message));
    command.cgroups = list(message);
    command.kills = list(message);
    command.limits = list(message);
    command.argv = list(message);
    command.env = list(message);
    return command;
}

static int limit(const char *words) {
    int number;
    unsigned long long soft, hard;
    struct rlimit most;
    if (sscanf(words, "%d %llu %llu", &number, &soft, &hard) != 3) {
        errno = EINVAL;
        return -1;
    }
    if (getrlimit(number, &most) != 0) return -1;
    struct rlimit lower = {soft < most.rlim_max ? soft : most.rlim_max, hard < most.rlim_max ? hard : most.rlim_max};
    return setrlimit(number, &lower);
}

/* In the child: becomes the command, or returns with an errno. Descriptors up to `clear_of` may be the command's. */
static void become(const struct command *command, const struct message *message, pid_t parent, int clear_of) {
    int high[MOST_FDS];
    for (char **file = command->cgroups; *file; file++)
        if (write_file(*file, "0") != 0) return;
    if (command->has_network && network >= 0 && setns(network, CLONE_NEWNET) != 0) return;
    setsid();
    write_file("/proc/self/oom_score_adj", OOM_SCORE);
    for (int i = 0; i < message->fd_count; i++)
        if ((high[i] = fcntl(message->fds[i], F_DUPFD_CLOEXEC, clear_of + 1)) < 0) return;
    for (int i = 0; i < message->fd_count; i++)
        if (dup2(high[i], i) < 0) return;
    umask(022);
    if (chdir(command->folder) != 0) return;
    for (char **words = command->limits; *words; words++)
        if (limit(*words) != 0) return;
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL); /* what is ignored stays so across exec */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (command->user >= 0) {
        uid_t user = (uid_t)command->user;
        if (setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0) return;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of user takes it back */
    if (getppid() != parent) _exit(127);
    environ = command->env;
    execvp(command->argv[0], command->argv);
}

/* Returns the process once it runs its program, or -1 with an errno. */
static pid_t start(const struct command *command, const struct message *message) {
    int report[2], error = 0;
    if (pipe2(report, O_CLOEXEC) != 0) return -1;
    int high = fcntl(report[1], F_DUPFD_CLOEXEC, 3 * MOST_FDS); /* clear of the numbers that the command gets */
    close(report[1]);
    pid_t me = getpid(), pid = high < 0 ? -1 : fork_into(command->cgroup);
    if (pid == 0) {
        become(command, message, me, high);
        error = errno;
        if (write(high, &error, sizeof error) < 0) _exit(126);
        _exit(127);
    }
    if (pid < 0) error = errno;
    close(high);
    if (pid > 0 && read(report[0], &error, sizeof error) == sizeof error) {
        waitpid(pid, NULL, 0);
        pid = -1;
    }
    close(report[0]);
    errno = error;
    return pid;
}

struct running {
    pid_t main;
    int has_ended, status;
    double began, wall_time_s, cpu_time_s, kill_at; /* kill_at: 0 for never */
    long long peak_memory_bytes;
};

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

/* Takes note of every child that has ended; whether any is left. */
static int reap(struct running *running) {
    for (;;) {
        int status;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, WNOHANG, &usage);
        if (pid <= 0) return pid == 0;
        running->cpu_time_s += seconds(usage.ru_utime) + seconds(usage.ru_stime);
        if (usage.ru_maxrss * 1024LL > running->peak_memory_bytes) running->peak_memory_bytes = usage.ru_maxrss * 1024LL;
        if (pid == running->main) {
            running->has_ended = 1;
            running->status = status;
            running->wall_time_s = now() - running->began;
        }
    }
}

/* Waits for the end of a child or, if `listen`, for a message; whether there is a message. */
static int wait_for(int timeout_ms, int listen) {
    struct pollfd both[] = {{deaths, POLLIN, 0}, {control, POLLIN, 0}};
    struct signalfd_siginfo told;
    if (poll(both, listen ? 2 : 1, timeout_ms) <= 0) return 0;
    while (read(deaths, &told, sizeof told) > 0) continue;
    return listen && both[1].revents != 0;
}

/* Returns 1 when nothing is left, 0 when something does not die. */
static int kill_all(struct running *running, const struct command *command) {
    double deadline = now() + UNKILLABLE_AFTER_S;
    for (char **file = command->kills; *file; file++) write_file(*file, "1"); /* if it fails, signals do it, less fast */
    while (reap(running)) {
        signal_all(SIGKILL, 0);
        if (now() > deadline) return 0;
        wait_for(LOOK_AGAIN_MS, 0);
    }
    return 1;
}

/* Sees a command to its end; 0 when the executor is gone. */
static int serve(struct message *message) {
    char line[512];
    struct command command = read_command(message);
    struct running running = {.began = now()};
    running.main = start(&command, message);
    int error = errno;
    for (int i = 0; i < message->fd_count; i++) close(message->fds[i]);
    message->fd_count = 0; /* the pipes end with the command */
    if (running.main < 0) {
        snprintf(line, sizeof line, "{\"failed\": \"%s\", \"errno\": %d}\n", strerror(error), error);
        return answer(line);
    }
    int is_connected = 1;
    while (is_connected && reap(&running) && !running.has_ended) {
        double left = running.kill_at - now();
        if (running.kill_at && left <= 0) break;
        if (!wait_for(running.kill_at ? (int)(left * 1000) + 1 : -1, 1)) continue;
        struct message wish;
        is_connected = receive(&wish);
        if (!is_connected) break;
        word(&wish); /* "end" is all that may come now */
        double grace_s = atof(word(&wish)) / 1000;
        running.kill_at = now() + grace_s;
        if (grace_s > 0) signal_all(SIGTERM, command.spared);
        discard(&wish);
    }
    if (!kill_all(&running, &command))
        snprintf(line, sizeof line, "{\"stuck\": \"a process of the job does not die\"}\n");
    else
        snprintf(
            line, sizeof line,
            "{\"%s\": %d, \"wall_time_s\": %.6f, \"cpu_time_s\": %.6f, \"peak_memory_bytes\": %lld}\n",
            WIFSIGNALED(running.status) ? "signal" : "exit_code",
            WIFSIGNALED(running.status) ? WTERMSIG(running.status) : WEXITSTATUS(running.status), running.wall_time_s,
            running.cpu_time_s, running.peak_memory_bytes);
    return is_connected && answer(line);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    control = atoi(argv[1]);
    fcntl(control, F_SETFD, FD_CLOEXEC);
    if (argc > 2 && (network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) < 0) return 1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child, NULL);
    signal(SIGCHLD, SIG_DFL);
    deaths = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (deaths < 0) return 1;
    const int ignored[] = {SIGINT, SIGTERM, SIGHUP}; /* the executor alone decides when a launcher ends */
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
    for (int goes_on = 1; goes_on;) {
        struct message message;
        if (network >= 0 && !be_alone()) return 1;
        if (!receive(&message)) break;
        if (strcmp(word(&message), "run") == 0) goes_on = serve(&message); /* else an end that crossed the command's own */
        discard(&message);
    }
    return 0;
}
