/* Programs whose output is too much, too odd, or gone. */
#include "hostile.h"

#include <fcntl.h>

static int flood(int fd) {
    static char block[1 << 16];
    memset(block, 'y', sizeof block);
    for (unsigned long total = 0; total < 10UL << 30; total += sizeof block)
        if (write(fd, block, sizeof block) < 0) return 4;
    return 0;
}

static int drip(void) {
    for (;;) {
        if (write(1, "drip\n", 5) != 5) return 4;
        usleep(50000);
    }
}

static int one_line(void) {
    for (int count = 0; count < 3000; count++) {
        char block[1000];
        memset(block, 'l', sizeof block);
        fwrite(block, 1, sizeof block, stdout);
    }
    return 0;
}

static int odd_bytes(void) {
    static const char odd[] =
        "\xff\xfe\x00\x01 \033[31mred\033[0m \033]0;title\007 \x9b" "31m \xc2\x9b" "31m \xe2\x80\xaeltr \xf0\x9f\x92 \r\b\b\n";
    fwrite(odd, 1, sizeof odd - 1, stdout);
    return 0;
}

static int closed(void) {
    for (int fd = 0; fd < 3; fd++) close(fd);
    usleep(300000);
    int file = open("out/late.txt", O_WRONLY | O_CREAT, 0644);
    return write(file, "late", 4) == 4 ? 4 : 1;
}

int main(int argc, char **argv) {
    tl_guard();
    const char *mode = argc > 1 ? argv[1] : "";
    if (is(mode, "stdout")) return flood(1);
    if (is(mode, "stderr")) return flood(2);
    if (is(mode, "both")) return fork() ? flood(1) : flood(2);
    if (is(mode, "drip")) return drip();
    if (is(mode, "line")) return one_line();
    if (is(mode, "bytes")) return odd_bytes();
    if (is(mode, "closed")) return closed();
    return 2;
}
