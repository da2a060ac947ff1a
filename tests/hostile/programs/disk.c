/* Programs that fill what they can write to. */
#include "hostile.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { BLOCK = 1 << 16, FILE_BYTES = 40 << 20 };

/* Less than the limit of one file, of which a signal would tell. */
static unsigned long fill(const char *path) {
    static char block[BLOCK];
    unsigned long total = 0;
    int file = open(path, O_WRONLY | O_CREAT, 0644);
    if (file < 0) {
        tell(path, -1);
        return 0;
    }
    ssize_t done = 0;
    while (total < FILE_BYTES && (done = write(file, block, sizeof block)) > 0) total += (unsigned long)done;
    tell(path, done);
    return total;
}

static int tiny(void) {
    mkdir("out/tiny", 0755);
    for (int count = 0; count < 1000000; count++) {
        char path[64];
        snprintf(path, sizeof path, "out/tiny/%d", count);
        int file = open(path, O_WRONLY | O_CREAT, 0644);
        if (file < 0) {
            tell("tiny", -1);
            printf("%d files\n", count);
            return 6;
        }
        close(file);
    }
    return 0;
}

static int everywhere(void) {
    static const char *const places[] = {"/filler", "/dev/filler", "/usr/filler", "/etc/filler", "/proc/filler",
                                         "/dev/shm/filler", "/tmp/filler", "filler", "out/filler"};
    unsigned long total = 0;
    for (unsigned place = 0; place < sizeof places / sizeof *places; place++) total += fill(places[place]);
    printf("total %lu\n", total);
    return 6;
}

static int nested(void) {
    if (chdir("out") != 0) return 4;
    int depth = 0;
    for (; depth < 3000; depth++) {
        int file = open("here", O_WRONLY | O_CREAT, 0644);
        if (file >= 0) close(file);
        if (mkdir("d", 0755) != 0 || chdir("d") != 0) break;
    }
    printf("%s\n", depth > 300 ? "deep" : "shallow");
    return 0;
}

int main(int argc, char **argv) {
    tl_guard();
    const char *mode = argc > 1 ? argv[1] : "";
    if (is(mode, "fill")) return fill("one") + fill("two") ? 6 : 1;
    if (is(mode, "tiny")) return tiny();
    if (is(mode, "everywhere")) return everywhere();
    if (is(mode, "nested")) return nested();
    int file = open("out/huge", O_WRONLY | O_CREAT, 0644);
    if (is(mode, "huge")) {
        static char byte = 1;
        return pwrite(file, &byte, 1, 1L << 40) == 1 ? 0 : 4;
    }
    if (is(mode, "sparse")) {
        tell("ftruncate", ftruncate(file, 40 << 20));
        return 0;
    }
    if (is(mode, "sparse-huge")) {
        tell("ftruncate", ftruncate(file, 1L << 40));
        return 0;
    }
    return 2;
}
