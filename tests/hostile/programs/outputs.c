/* Results that lead elsewhere, are no files, have odd names, or cannot be opened. */
#include "hostile.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static void leave(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CREAT, 0644);
    if (file < 0 || write(file, text, strlen(text)) < 0) tell(path, -1);
    close(file);
}

static void links(void) {
    tell("shadow", symlink("/etc/shadow", "out/shadow"));
    tell("passwd", symlink("/etc/passwd", "out/passwd"));
    tell("proc", symlink("/proc/self/environ", "out/environ"));
    tell("up", symlink("../../../../..", "out/up"));
    tell("folder", symlink("/etc", "out/etc"));
    tell("loop", symlink("loop", "out/loop"));
    tell("own", symlink("honest.txt", "out/own"));
    leave("out/honest.txt", "honest");
}

static void out_is_a_link(void) {
    tell("rmdir", rmdir("out"));
    tell("symlink", symlink("/etc", "out"));
}

static void hard_links(const char *program) {
    leave("out/one", "one");
    tell("between outputs", link("out/one", "out/two"));
    tell("to the system", link("/usr/bin/env", "out/env"));
    tell("to the program", link(program, "out/program"));
    leave("out/honest.txt", "honest");
}

static void nodes(void) {
    tell("fifo", mkfifo("out/fifo", 0644));
    tell("character", mknod("out/null", S_IFCHR | 0666, makedev(1, 3)));
    tell("block", mknod("out/disk", S_IFBLK | 0666, makedev(8, 0)));
    tell("another gpu", mknod("out/gpu", S_IFCHR | 0666, makedev(195, 1)));
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "out/socket"};
    tell("socket", bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address));
    leave("out/honest.txt", "honest");
}

static void names(void) {
    static const char *const all[] = {"-rf", "new\nline", "\xff", "\033[31m", "\xe2\x80\xae" "reversed", "$(id)", "*",
                                      "%s%n", "..x", "a b", "--", "<b>", "\xc3\xa9"};
    char path[300] = "out/";
    for (unsigned each = 0; each < sizeof all / sizeof *all; each++) {
        strcpy(path + 4, all[each]);
        leave(path, "named");
    }
    memset(path + 4, 'n', 255);
    path[259] = 0;
    leave(path, "named");
}

static void modes(void) {
    mkdir("out/closed", 0755);
    leave("out/closed/inside", "inside");
    leave("out/unreadable", "unreadable");
    leave("out/setuid", "setuid");
    tell("setuid", chmod("out/setuid", 06777));
    tell("unreadable", chmod("out/unreadable", 0));
    int flags = FS_IMMUTABLE_FL;
    int file = open("out/setuid", O_RDONLY);
    tell("chattr", ioctl(file, FS_IOC_SETFLAGS, &flags));
    tell("closed", chmod("out/closed", 0));
    tell("out", chmod("out", 0));
}

int main(int argc, char **argv) {
    tl_guard();
    const char *mode = argc > 1 ? argv[1] : "";
    if (is(mode, "links"))
        links();
    else if (is(mode, "out"))
        out_is_a_link();
    else if (is(mode, "hard"))
        hard_links(argv[0]);
    else if (is(mode, "nodes"))
        nodes();
    else if (is(mode, "names"))
        names();
    else if (is(mode, "modes"))
        modes();
    else
        return 2;
    return 0;
}
