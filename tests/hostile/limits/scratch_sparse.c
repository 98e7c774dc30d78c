// attempt: Leaves a file of 1 TiB that takes no room, for whoever collects it: room is what counts.
// clause: limits.scratch_size
// limits: scratch_size=8MiB file_size=none wall_time=20s
// takes: 4 KiB
// control: scratch_size=64MiB
// expect: ok - 0
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    int fd = open("sparse", O_WRONLY | O_CREAT, 0600);
    need(fd >= 0 && ftruncate(fd, 1L << 40) == 0 && pwrite(fd, "x", 1, 1L << 39) == 1, "sparse");
    hold(argv[1], A_LOOK);
    return 0;
}
