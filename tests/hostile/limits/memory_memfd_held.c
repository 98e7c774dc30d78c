// attempt: Writes into files without a name that are held open and never mapped.
// clause: limits.memory
// limits: memory=64MiB wall_time=20s
// takes: 160 MiB
// touches: 160MiB
// control: memory=512MiB
// expect: memory-limit limits.memory any
// expect sampler: memory-limit limits.memory SIGKILL -- nothing dies before the whole job does
// expect sampler firejail user: ok - 0 -- the fds of a set-uid jailer's job are hidden from an ordinary user
//     (`hidden-memory` of docs/backends.md)
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    static char piece[MIB];
    for (int file = 0; file < 4; file++) {
        int fd = memfd_create("held", 0);
        need(fd >= 0, "memfd_create");
        for (int i = 0; i < 40; i++) need(write(fd, piece, MIB) == (ssize_t)MIB, "write");
    }
    hold(argv[1], A_LOOK);
    return 0;
}
