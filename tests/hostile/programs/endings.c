/* Programs that end, in every way there is. endings exit N | signal N */
#include "hostile.h"

#include <signal.h>

int main(int argc, char **argv) {
    tl_guard();
    if (argc < 3) return 2;
    if (is(argv[1], "exit")) return atoi(argv[2]);
    raise(atoi(argv[2]));
    return 1;
}
