// attempt: Fills scratch with many files, and holds on to them: 28 is ENOSPC.
// clause: limits.scratch_size
// limits: scratch_size=8MiB wall_time=20s
// takes: 32 MiB
// control: scratch_size=64MiB
// expect mount: nonzero-exit - 28 hits=scratch_size -- a file system that is full says so, and the job goes on
// expect sampler: scratch-limit limits.scratch_size SIGKILL -- one that is not its own can only be counted
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    static char piece[MIB];
    for (int i = 0; i < 32; i++) {
        char name[16];
        snprintf(name, sizeof name, "file%d", i);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd < 0) return errno;
        for (size_t done = 0; done < MIB;) {
            ssize_t wrote = write(fd, piece, MIB - done);
            if (wrote < 0) return errno;
            done += (size_t)wrote;
        }
        close(fd);
    }
    hold(argv[1], A_LOOK);
    return 0;
}
