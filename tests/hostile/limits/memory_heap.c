// attempt: Fills memory with a heap that is touched page by page.
// clause: limits.memory
// limits: memory=64MiB wall_time=20s
// takes: 160 MiB
// touches: 160MiB
// control: memory=512MiB
// expect: memory-limit limits.memory SIGKILL
#include "attack.h"

int main(int argc, char **argv) {
    (void)argc;
    for (int i = 0; i < 160; i++) take(MIB);
    hold(argv[1], A_LOOK);
    return 0;
}
