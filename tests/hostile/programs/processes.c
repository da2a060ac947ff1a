/* Processes that multiply, do not end, or outlive their parent. */
#include "hostile.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void deaf(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int number = 1; number < 65; number++) signal(number, SIG_IGN);
}

static void *forever(void *unused) {
    for (;;) pause();
    return unused;
}

static void burn(void) {
    for (volatile unsigned long count = 0;; count++) {
    }
}

static int fork_bomb(void) {
    deaf();
    puts("lit");
    fflush(stdout);
    for (;;) fork();
}

static int thread_bomb(void) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 16);
    for (int count = 0; count < 10000; count++) {
        pthread_t thread;
        int error = pthread_create(&thread, &small, forever, NULL);
        if (error) {
            printf("%s %d\n", strerrorname_np(error), count);
            return 5;
        }
    }
    return 0;
}

static int children(void) {
    for (int count = 0; count < 4; count++)
        if (fork() == 0) burn();
    while (wait(NULL) > 0) {
    }
    return 0;
}

static int stay_behind(void) {
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            for (int fd = 0; fd < 256; fd++) close(fd);
            deaf();
            int file = open("out/daemon.txt", O_WRONLY | O_CREAT | O_APPEND, 0644);
            for (;;) {
                if (write(file, "x", 1) != 1) _exit(1);
                usleep(1000);
            }
        }
        _exit(0);
    }
    wait(NULL);
    while (access("out/daemon.txt", F_OK) != 0) usleep(1000);
    puts("left a daemon");
    return 0;
}

static int orphan(void) {
    if (fork() == 0) forever(NULL);
    puts("left an orphan");
    return 0;
}

int main(int argc, char **argv) {
    tl_guard();
    const char *mode = argc > 1 ? argv[1] : "";
    if (is(mode, "fork-bomb")) return fork_bomb();
    if (is(mode, "thread-bomb")) return thread_bomb();
    if (is(mode, "loop")) burn();
    if (is(mode, "children")) return children();
    if (is(mode, "daemon")) return stay_behind();
    if (is(mode, "orphan")) return orphan();
    puts(mode);
    fflush(stdout);
    if (is(mode, "stop")) raise(SIGSTOP);
    if (is(mode, "deaf")) deaf();
    if (is(mode, "name")) {
        prctl(PR_SET_NAME, "x) R 1 1\n\033[0m");
        memcpy(argv[0], ") R 1", 5);
    }
    for (;;) pause(); /* sleep, and what is left of the others */
}
