/* Programs that want more memory than they may have, and some that only look so. */
#include "hostile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>

enum { MIB = 1 << 20 };

static int touch(size_t size) {
    for (size_t done = 0; done < size; done += MIB) {
        char *block = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED) {
            tell("mmap", -1);
            return 4;
        }
        memset(block, 1, MIB);
    }
    return 0;
}

static int children(int count, size_t each) {
    for (int child = 0; child < count; child++)
        if (fork() == 0) {
            touch(each);
            for (;;) pause();
        }
    while (wait(NULL) > 0) {
    }
    return 0;
}

static int recurse(int depth) {
    volatile char room[4096];
    room[depth % 4096] = 1;
    return recurse(depth + 1) + room[depth % 4096];
}

static int reserve(int bits) {
    void *block = mmap(NULL, 1UL << bits, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    tell("reserve", block == MAP_FAILED ? -1 : 0);
    return block == MAP_FAILED;
}

static int files(void) { /* in memory, too */
    int file = open("filler", O_WRONLY | O_CREAT, 0644);
    static char block[MIB];
    for (;;)
        if (write(file, block, sizeof block) < 0) {
            tell("write", -1);
            return 4;
        }
}

static int system_v(void) {
    int id = shmget(4711, 16 * MIB, IPC_CREAT | IPC_EXCL | 0666);
    tell("shmget", id);
    if (id < 0) return 4;
    memset(shmat(id, NULL, 0), 1, 16 * MIB);
    return 0;
}

int main(int argc, char **argv) {
    tl_guard();
    const char *mode = argc > 1 ? argv[1] : "";
    if (is(mode, "touch")) return touch(1024UL * MIB);
    if (is(mode, "children")) return children(20, 32UL * MIB);
    if (is(mode, "stack")) return recurse(0);
    if (is(mode, "reserve") && argc > 2) return reserve(atoi(argv[2]));
    if (is(mode, "files")) return files();
    if (is(mode, "system-v")) return system_v();
    return 2;
}
