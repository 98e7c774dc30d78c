// attempt: Fills scratch with more than the job's memory, where scratch_size would allow it.
// clause: limits.memory
// limits: memory=64MiB scratch_size=512MiB wall_time=20s
// takes: 160 MiB
// touches: 160MiB
// control: memory=512MiB
// expect: memory-limit limits.memory any
// expect sampler: ok - 0 or memory-limit limits.memory SIGKILL -- files belong to no process; their bound is
//     limits.scratch_size
// expect group firejail user: ok - 0 or memory-limit limits.memory any -- its scratch is no tmpfs but a directory of /tmp: on a disk, its pages can be
//     written out
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    write_files("file");
    hold(argv[1], A_LOOK);
    return 0;
}
