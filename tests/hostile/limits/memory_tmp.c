// attempt: Fills /tmp with more than the job's memory, where tmp_size would allow it.
// clause: limits.memory
// limits: memory=64MiB tmp_size=512MiB wall_time=20s
// takes: 160 MiB
// touches: 160MiB
// control: memory=512MiB
// expect: memory-limit limits.memory any
// expect sampler: ok - 0 or memory-limit limits.memory SIGKILL -- files of a tmpfs that no process maps belong to no
//     process; their bound is limits.tmp_size
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    write_files("/tmp/file");
    hold(argv[1], A_LOOK);
    return 0;
}
