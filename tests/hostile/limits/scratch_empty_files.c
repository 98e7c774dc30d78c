// attempt: Makes as many files as it can, all of them empty: 28 is ENOSPC.
// clause: limits.scratch_files
// limits: scratch_files=200 wall_time=20s
// takes: 100000 files
// control: scratch_files=200000 memory=2GiB
// expect mount: nonzero-exit - 28 hits=scratch_files -- a file system that is full says so, and the job goes on
// expect sampler: scratch-limit limits.scratch_files SIGKILL -- one that has no bound on files can only be counted
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    for (int i = 0; i < 100000; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd < 0) return errno;
        close(fd);
    }
    hold(argv[1], A_LOOK);
    return 0;
}
