// attempt: Fills memory in a grandchild that left its parent, its session and its process group.
// clause: limits.memory
// limits: memory=64MiB processes=8 wall_time=20s
// takes: 160 MiB
// touches: 160MiB
// control: memory=512MiB
// expect: memory-limit limits.memory any
// expect sampler: memory-limit limits.memory SIGKILL -- nothing dies before the whole job does
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    if (!is_detached()) return 0;
    take(160 * MIB);
    hold(argv[1], A_LOOK);
    return 0;
}
